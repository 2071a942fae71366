/** What processes say of themselves: growth, messages given up, logins; and how it is read. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readExposition, sumOf } from '../../src/domain/exposition.ts';
import { createGrowthJudge, type Vitals } from '../../src/domain/growth.ts';
import { createLetterJudge } from '../../src/domain/letters.ts';
import { createLoginJudge, type Holder } from '../../src/domain/logins.ts';

const megabyte = 1024 * 1024;

describe('growth', () => {
  /** Looks once a minute; `at` gives what there is at a minute. Returns what had grown at the end. */
  const watch = (minutes: number, at: (minute: number) => Partial<Vitals>) => {
    const judge = createGrowthJudge();
    let last = { since: 0, ready: false, grown: [] as { what: string }[] };
    for (let minute = 0; minute <= minutes; minute += 1) {
      last = judge.look('catalog-1', 1, {
        at: minute * 60_000,
        files: 40,
        bytes: 100 * megabyte,
        requests: minute * 6_000,
        ...at(minute),
      });
    }
    return { ready: last.ready, grown: last.grown.map(({ what }) => what), since: last.since };
  };

  it('is not judged in the first ten minutes', () => {
    assert.deepEqual(
      watch(9, () => ({})),
      { ready: false, grown: [], since: 0 },
    );
  });
  it('is none where things go up and down', () => {
    const saw = (minute: number) => ({ bytes: (100 + (minute % 5) * 20) * megabyte, files: 40 + (minute % 3) * 10 });
    assert.deepEqual(watch(60, saw).grown, []);
  });
  it('is seen where memory never comes back', () => {
    assert.deepEqual(watch(40, (minute) => ({ bytes: (100 + minute * 5) * megabyte })).grown, ['memory']);
  });
  it('is seen where descriptors are lost', () => {
    assert.deepEqual(watch(40, (minute) => ({ files: 40 + minute * 2 })).grown, ['file descriptors']);
  });
  it('is none where the load is another one: that is another baseline', () => {
    const busy = (minute: number) => ({
      bytes: (minute < 15 ? 100 : 200) * megabyte,
      requests: minute < 15 ? minute * 600 : minute * 12_000,
    });
    const { grown, since } = watch(35, busy);
    assert.deepEqual(grown, []);
    assert.ok(since > 0);
  });
  it('begins anew with the process', () => {
    const judge = createGrowthJudge();
    judge.look('bff', 1, { at: 0, files: 10, bytes: 1, requests: 0 });
    assert.equal(judge.look('bff', 2, { at: 700_000, files: 10, bytes: 1, requests: 0 }).ready, false);
  });
});

describe('messages given up', () => {
  const counts = (startedAt: number, count: number) => [
    { instance: 'catalog-1', startedAt, queues: { 'catalog.commands': count } },
  ];
  it('before the auditor looked are nobody’s news', () => {
    const judge = createLetterJudge(1_000);
    assert.deepEqual(judge.judge(counts(500, 7), false), []);
    assert.deepEqual(judge.judge(counts(500, 7), false), []);
  });
  it('while nothing is broken offend, and go on doing so', () => {
    const judge = createLetterJudge(1_000);
    judge.judge(counts(500, 7), false);
    assert.equal(judge.judge(counts(500, 9), false)[0]!.id, 'catalog.commands:catalog-1');
    assert.equal(judge.judge(counts(500, 9), false).length, 1);
    assert.deepEqual(judge.totals, { all: 2, excused: 0 });
  });
  it('while something is broken are the fault’s', () => {
    const judge = createLetterJudge(1_000);
    judge.judge(counts(500, 0), false);
    assert.deepEqual(judge.judge(counts(500, 1), true), []);
    assert.deepEqual(judge.totals, { all: 1, excused: 1 });
  });
  it('by a process that began since are all of them news', () => {
    const judge = createLetterJudge(1_000);
    judge.judge(counts(500, 5), false);
    assert.equal(judge.judge(counts(2_000, 1), false).length, 1);
  });
});

describe('logins on loan', () => {
  const login = (name: string, past_ms = -1_000) => ({ name, service: 'catalog', past_ms });
  const holder = (logins: string[], more: Partial<Holder> = {}): Holder => ({
    service: 'catalog',
    life: 'catalog-1@1',
    logins,
    notRevoked: 0,
    ...more,
  });
  it('in use are as they must be', () => {
    assert.deepEqual(createLoginJudge().judge([login('a'), login('b')], [holder(['a', 'b'])]), []);
  });
  it('may be one too many', () => {
    const judge = createLoginJudge();
    judge.judge([login('a')], [holder(['a'])]);
    assert.deepEqual(judge.judge([login('a'), login('b')], [holder(['b'])]), []);
  });
  it('that a living process has given up must go', () => {
    const judge = createLoginJudge();
    for (const used of ['a', 'b']) judge.judge([login('a'), login('b')], [holder([used])]);
    const left = judge.judge([login('a'), login('b'), login('c')], [holder(['c'])]);
    assert.deepEqual(
      left.map(({ id }) => id),
      ['a', 'b'],
    );
  });
  it('that cannot be given back because Vault is away are excused', () => {
    const judge = createLoginJudge();
    for (const used of ['a', 'b']) judge.judge([login('a'), login('b')], [holder([used])]);
    assert.deepEqual(judge.judge([login('a'), login('b'), login('c')], [holder(['c'], { notRevoked: 1 })]), []);
  });
  it('of a process that died live on until their lease ends', () => {
    const judge = createLoginJudge();
    for (const used of ['a', 'b']) judge.judge([login('a'), login('b')], [holder([used])]);
    const reborn = holder(['c'], { life: 'catalog-1@2' });
    assert.deepEqual(judge.judge([login('a'), login('b'), login('c')], [reborn]), []);
    const [outlived] = judge.judge([login('a', 60_000), login('c')], [reborn]);
    assert.equal(outlived!.id, 'a');
  });
});

describe('a metrics page', () => {
  const page = `# HELP process_open_fds Open.
# TYPE process_open_fds gauge
process_open_fds{service="catalog",instance="catalog-1"} 42
messages_consumed_total{queue="a",outcome="handled"} 3
messages_consumed_total{queue="a \\"b\\"",outcome="dead-lettered"} 2
nodejs_version_info{version="v26"} 1
bucket_le{le="+Inf"} 1e3
`;
  it('tells how many series it has, and those that are wanted', () => {
    const { series, samples } = readExposition(page, new Set(['process_open_fds', 'messages_consumed_total']));
    assert.equal(series, 5);
    assert.equal(sumOf(samples, 'process_open_fds'), 42);
    assert.equal(sumOf(samples, 'messages_consumed_total'), 5);
    assert.equal(samples[2]!.labels['outcome'], 'dead-lettered');
    assert.equal(sumOf(samples, 'nodejs_version_info'), undefined);
  });
});
