/** The simulator as a command: its exit codes, its sentences, Ctrl-C, and several processes as one. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { freePort, until } from '@ballast/testing';
import { analyticsFront, openBench, startSimulator, type Bench, type Ended, words } from './support.ts';

describe('npm run simulate', () => {
  let bench: Bench;
  before(async () => {
    bench = await openBench();
  });
  after(() => bench.close());

  const run = async (...argv: string[]): Promise<Ended> => (await startSimulator(...argv)).ended;
  const small = ['--devices', '2', '--seconds', '1', '--mix', 'valid'];

  it('ends with 1 and one sentence where an option is wrong or something is not there', async () => {
    const nobody = await freePort();
    const { options } = bench;
    const cases: [string[], RegExp][] = [
      [['--mix', 'bogus'], /^--mix: there is no scenario "bogus"/],
      [
        [...options, '--no-analytics', '--gateway', `127.0.0.1:${nobody}`],
        /no gateway at 127\.0\.0\.1:\d+ \(ECONNREFUSED\); is the mesh running/,
      ],
      [
        [...options, ...small, '--analytics', `http://127.0.0.1:${nobody}`],
        /analytics at http.*ECONNREFUSED; leave it out with --no-analytics/,
      ],
      [[...options, '--devices', '100000', '--mix', 'valid', '--no-analytics'], /^--devices: 100000 of this mix need/],
      [[...options, ...small, '--no-analytics', '--report', '/nowhere/at/all'], /--report: ENOENT/],
    ];
    for (const [argv, message] of cases) {
      const { code, output } = await run(...argv);
      assert.equal(code, 1, output);
      assert.match(output, message);
      assert.doesNotMatch(output, /\n {4}at /);
    }
  });

  it('says so where identity does not know the operator', async () => {
    const { code, output } = await run(...bench.options, ...small, '--no-analytics', '--identity', bench.identity.url);
    // The test's issuer has keys and no login.
    assert.equal(code, 1);
    assert.match(output, /^identity at .*POST \/login was answered with 404/m);
  });

  it('says that analytics was left out', async () => {
    const { code, output, report } = await run(...bench.options, ...small, '--no-analytics');
    assert.equal(code, 0, output);
    assert.match(output, /analytics was left out \(--no-analytics\)/);
    assert.equal(report!.compared, undefined);
  });

  it('ends with 1 where analytics has counted something else, and says what', { timeout: 60_000 }, async () => {
    const analytics = await analyticsFront(bench.gateway.url);
    analytics.lie = { metric: 'auth_success_total', by: 1 };
    try {
      const { code, output } = await run(...bench.options, ...small, '--analytics', analytics.url);
      assert.equal(code, 1, output);
      assert.match(output, /1 not as expected:\n {2}let in: the simulator has 2, analytics 3\n/);
      assert.match(output, /let in +2 +3 +differs by 1/);
    } finally {
      await analytics.close();
    }
  });

  it('on Ctrl-C lets everybody hang up, reports what was seen, and ends with 130', async () => {
    const analytics = await analyticsFront(bench.gateway.url);
    const simulation = await startSimulator(
      ...bench.options,
      ...words(`--devices 12 --seconds 600 --mix valid=3,half_open=1,expired=2 --analytics ${analytics.url}`),
    );
    await until('all have begun', () => /begun 12\/12/.test(simulation.output()));
    const began = performance.now();
    simulation.signal('SIGINT');
    const { code, output, report } = await simulation.ended;
    await analytics.close();
    assert.equal(code, 130, output);
    assert.ok(performance.now() - began < 20_000);
    assert.match(output, /broken off: this is what was seen until then/);
    assert.deepEqual([report!.whole, report!.seen.sessions, report!.wrong], [false, 0, []], output);
    assert.deepEqual(
      report!.compared!.filter(({ equal }) => !equal),
      [],
    );
  });

  it('tells how it is used, with 0', async () => {
    const { code, output } = await run('--help');
    assert.deepEqual([code, output.startsWith('npm run simulate -- ')], [0, true]);
  });

  it('shares its devices among processes that join, and reports once', async () => {
    const analytics = await analyticsFront(bench.gateway.url);
    const port = String(await freePort());
    const options = [
      ...bench.options,
      ...words(`--analytics ${analytics.url} --join-port ${port} --threads 1`),
      ...words('--devices 20 --seconds 2 --mix valid=8,expired=2'),
    ];
    const first = await startSimulator(...options, '--join', '1-of-2');
    const stranger = await (await startSimulator(...options, '--join', '2-of-2', '--seed', '9')).ended;
    assert.equal(stranger.code, 1);
    assert.match(stranger.output, /1-of-2 says: its options are not those of 1-of-N/);
    const other = await startSimulator(...options, '--join', '2-of-2');
    const ends = await Promise.all([first.ended, other.ended]);
    await analytics.close();
    assert.deepEqual(
      ends.map(({ code }) => code),
      [0, 0],
      ends.map(({ output }) => output).join('\n'),
    );
    const { report } = ends[0];
    assert.deepEqual(
      report!.results.map(({ scenario, rounds }) => [scenario, rounds]),
      [
        ['valid', 16],
        ['expired', 4],
      ],
    );
    assert.equal(ends[1].report, undefined);
    assert.match(ends[1].output, /2-of-2: playing/);
  });

  it('says so where a process that joined is lost', async () => {
    const port = String(await freePort());
    const options = [
      ...bench.options,
      ...words(`--no-analytics --join-port ${port} --threads 1 --devices 4 --seconds 60 --mix valid`),
    ];
    const first = await startSimulator(...options, '--join', '1-of-2');
    const other = await startSimulator(...options, '--join', '2-of-2');
    await until('both play', () => /begun 4\/4/.test(first.output()));
    other.signal('SIGKILL');
    const { code, output } = await first.ended;
    assert.equal(code, 1, output);
    assert.match(output, /the run has failed: process 2 was lost: it hung up/);
  });
});
