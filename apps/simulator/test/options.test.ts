/** What the simulator is told: options, the mix, and whether this machine has room for it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readOptions, type Options } from '../src/config.ts';
import { checkLimits, socketsOf } from '../src/limits.ts';
import { allot, partOf, readMix } from '../src/mix.ts';
import { scenarios } from '../src/scenarios/index.ts';

const read = (...argv: string[]): Options => readOptions(argv, {})!;

describe('the options', () => {
  it('lead to the mesh of npm start unless they say otherwise', () => {
    const { gateway, identity, analytics, operator, join, threads } = read();
    assert.deepEqual(gateway, { host: '127.0.0.1', port: 4_088 });
    assert.deepEqual([identity, analytics], ['http://127.0.0.1:4001', 'http://127.0.0.1:4006']);
    assert.deepEqual(operator, { email: 'operator@ballast.test', password: 'ballast-operator' });
    assert.deepEqual(join, { process: 1, processes: 1, port: 4_089 });
    assert.ok(threads >= 2);
  });

  it('move with the port base, and give way to what is said by name', () => {
    const { gateway, identity, analytics } = read('--port-base', '6000', '--identity', 'http://identity:1/');
    assert.deepEqual([gateway.port, identity, analytics], [6_088, 'http://identity:1', 'http://127.0.0.1:6006']);
    assert.deepEqual(read('--gateway', '[::1]:9').gateway, { host: '::1', port: 9 });
    assert.equal(read('--no-analytics').analytics, undefined);
  });

  it('let promised closings be a second late, or as late as they say', () => {
    assert.equal(read().patience, 1);
    assert.equal(read('--patience', '2.5').patience, 2.5);
    assert.equal(read('--patience', '10').patience, 10);
  });

  it('take the operator from the environment', () => {
    const options = readOptions([], { OPERATOR_EMAIL: 'me@example.test', OPERATOR_PASSWORD: 'secret' });
    assert.deepEqual(options?.operator, { email: 'me@example.test', password: 'secret' });
  });

  it('answer nothing when help is wanted', () => assert.equal(readOptions(['--help'], {}), null));

  const wrong: [string[], RegExp][] = [
    [['--devices', '0'], /^--devices must be a whole number from 1 to 100000, not "0"$/],
    [['--devices', 'many'], /^--devices must/],
    [['--devices', '3'], /^--devices: 3 are too few for a mix of 20 scenarios/],
    [['--seconds', ''], /^--seconds must/],
    [['--seconds', '1201'], /^--seconds must/],
    [['--rate=-1'], /^--rate must be a number/],
    [['--rate', '-1'], /^Option '--rate' .* use '--rate=-XYZ'/],
    [['--gateway', '127.0.0.1'], /^--gateway must be host:port/],
    [['--gateway', '127.0.0.1:70000'], /^--gateway must be host:port/],
    [['--identity', 'localhost:4001'], /^--identity must be a URL/],
    [['--analytics', 'http://'], /^--analytics must be a URL/],
    [['--analytics', 'http://a', '--no-analytics'], /^--analytics and --no-analytics/],
    [['--join', '3-of-2'], /^--join must be like 1-of-3/],
    [['--join', '0-of-2'], /^--join must/],
    [['--join', '4100'], /^--join must/],
    [['--seed', '1.5'], /^--seed must be a whole number/],
    [['--patience', '0'], /^--patience must be a number from 0.1 to 10, not "0"$/],
    [['--patience', '11'], /^--patience must/],
    [['--patience', 'long'], /^--patience must/],
    [['--threads', '0'], /^--threads must/],
    [['--mix', 'valid=80,bogus=20'], /^--mix: there is no scenario "bogus"; there are valid, expired/],
    [['--mix', 'valid=much'], /^--mix: "valid=much" should be name=weight/],
    [['--mix', 'valid='], /^--mix: "valid=" should/],
    [['--mix', 'valid=1=2'], /^--mix: "valid=1=2" should/],
    [['--mix', 'valid=1,valid=2'], /^--mix: "valid" stands there twice/],
    [['--mix', 'valid=0'], /^--mix: at least one/],
    [['--mix', ''], /^--mix/],
    [['--frobnicate'], /--frobnicate/],
    [['--devices'], /--devices/],
    [['leftover'], /leftover/],
  ];
  for (const [argv, message] of wrong) {
    it(`name what is wrong with ${argv.join(' ')}`, () => {
      assert.throws(() => read(...argv), { name: 'Problem', message });
    });
  }
});

describe('the mix', () => {
  it('gives devices by weight, and every scenario at least one', () => {
    const allotted = allot(readMix('expired=1,valid=98,silent=1'), 100);
    assert.deepEqual(allotted, [
      { scenario: 'valid', devices: 98 },
      { scenario: 'expired', devices: 1 },
      { scenario: 'silent', devices: 1 },
    ]);
    const tiny = allot(readMix('valid=1000000,all=1'), 25).map((each) => each.devices);
    assert.deepEqual([tiny[0], tiny.length, Math.max(...tiny.slice(1))], [6, 20, 1]);
    for (const devices of [20, 39, 40, 2_000, 99_999]) {
      const all = allot(readMix('all'), devices).map((each) => each.devices);
      assert.equal(
        all.reduce((sum, each) => sum + each, 0),
        devices,
      );
      assert.ok(Math.max(...all) - Math.min(...all) <= 1, String(all));
    }
  });

  it('takes `all` for those that are not named', () => {
    assert.equal(readMix('valid=80,all').length, scenarios.length);
    assert.equal(readMix('valid=0,all=2').length, scenarios.length - 1);
  });

  it('gives every device to exactly one thread of one process', () => {
    const allotted = allot(readMix('valid=80,all=1'), 101);
    const seen = new Set<string>();
    const sizes: number[] = [];
    for (let process = 0; process < 3; process += 1) {
      for (let thread = 0; thread < 2; thread += 1) {
        const part = partOf(allotted, { process, processes: 3, thread, threads: 2 });
        sizes.push(part.length);
        for (const { scenario, number } of part) seen.add(`${scenario} ${number}`);
      }
    }
    assert.equal(seen.size, 101);
    assert.equal(
      sizes.reduce((sum, each) => sum + each, 0),
      101,
    );
    assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1, String(sizes));
  });
});

describe('the room there is', () => {
  const options = read('--devices', '1000', '--mix', 'valid=1', '--unknown', '100');

  it('is enough up to the limit of open files, and says for how many devices', () => {
    assert.match(checkLimits(options, 1_150, 28_000), /^1000 sockets at most .* enough for about 1000 devices/);
    assert.throws(() => checkLimits(options, 1_149, 28_000), {
      name: 'Problem',
      message: /^--devices: 1000 .* need 1150 open files .* enough for about 999 devices\. .*ulimit -n 1150/,
    });
  });

  it('is shared by processes that join, and bounded by outgoing ports', () => {
    const joined = read('--devices', '1000', '--mix', 'valid=1', '--join', '1-of-2');
    assert.match(checkLimits(joined, 650, 28_000), /^500 sockets/);
    assert.throws(() => checkLimits(options, 20_000, 900), { message: /need 1000 ports, and this machine has 900/ });
  });

  it('counts floods only as far as they may go', () => {
    assert.equal(socketsOf(read('--devices', '50', '--mix', 'flood', '--unknown', '100')), 100);
    assert.equal(socketsOf(read('--devices', '4', '--mix', 'flood,replaced', '--unknown', '100')), 44);
  });
});
