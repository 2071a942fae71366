/** The counters on a real database, with reports that come twice, late, out of order or never, and restarts in between. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { closingReasons, rejectionReasons, type GatewayCounted } from '@ballast/contracts';
import { configureFaults, plantDefect, removeDefect } from '@ballast/faults';
import { seededIntegers, testDatabase, type TestDatabase } from '@ballast/testing';
import { createCounting, type Counting, type Refusal } from '../src/counting.ts';
import { LiveGateways } from '../src/live.ts';
import { seriesKey } from '../src/domain/series.ts';
import { foldEpochs } from '../src/store/folding.ts';
import { analyticsTables, newEpoch, reportOf } from './support.ts';

/** Analytics as one process: what Prometheus has been told by it. */
interface Process {
  counting: Counting;
  live: LiveGateways;
  told: Map<string, number>;
  refusals: Refusal[];
}

describe('counting', () => {
  let test: TestDatabase;
  let analytics: Process;
  const start = async (now: () => number = () => performance.now()): Promise<Process> => {
    const told = new Map<string, number>();
    const refusals: Refusal[] = [];
    const live = new LiveGateways(now);
    const counting = createCounting({
      database: test.database,
      live,
      onGrown: (series, by) => {
        assert.ok(by > 0, `${seriesKey(series)} grew by ${by}`);
        told.set(seriesKey(series), (told.get(seriesKey(series)) ?? 0) + by);
      },
      onRefused: (refusal) => refusals.push(refusal),
    });
    await counting.load();
    return { counting, live, told, refusals };
  };
  beforeEach(async () => {
    test = await testDatabase(analyticsTables);
    analytics = await start();
  });
  afterEach(() => test.drop());

  const take = (...reports: readonly GatewayCounted[]) =>
    Promise.all(reports.map((report) => analytics.counting.take(report)));
  const attempts = (label = 'gateway-1', of = analytics) => of.told.get(`attempts ${label} `) ?? 0;
  const query = (text: string) => test.database.query(text);

  describe('of one process', () => {
    const epoch = newEpoch();
    const upTo = (seq: number, count = seq * 10): GatewayCounted => reportOf({ epoch, seq, attempts: count });

    it('takes the largest number, however often and in whatever order reports come', async () => {
      await take(upTo(2), upTo(1), upTo(2));
      await take(upTo(1));
      assert.equal(attempts(), 20);
      await take(upTo(5), upTo(3), upTo(3), upTo(4));
      assert.equal(attempts(), 50);
    });

    it('makes good what was lost with the next report', async () => {
      await take(upTo(1));
      await take(upTo(900));
      assert.equal(attempts(), 9_000);
    });

    it('goes on after a restart where it was, also with a report that had been counted', async () => {
      await take(upTo(3));
      analytics = await start();
      assert.equal(attempts(), 30);
      await take(upTo(3), upTo(2));
      assert.equal(attempts(), 30);
      await take(upTo(4));
      assert.equal(attempts(), 40);
    });

    it('adds to what the process before had counted', async () => {
      await take(upTo(9));
      await take(reportOf({ epoch: newEpoch(), attempts: 4 }));
      assert.equal(attempts(), 94);
    });

    it('writes many waiting reports together, as one row per counter', async () => {
      await take(...Array.from({ length: 500 }, (_, index) => upTo(index + 1)));
      assert.equal(attempts(), 5_000);
      assert.equal((await query('SELECT FROM epoch_counts')).length, 1);
    });

    it('counts nothing that is not durable', async () => {
      await take(upTo(1));
      await test.cut();
      await assert.rejects(analytics.counting.take(upTo(2)));
      assert.equal(attempts(), 10);
      // Who is connected is known all the same.
      await assert.rejects(analytics.counting.take({ ...upTo(3), connections: 6 }));
      assert.equal(analytics.live.sum().connections, 6);
      await test.restore();
      await take(upTo(2));
      assert.equal(attempts(), 20);
    });

    it('is right in two replicas that compete, as soon as they have swept', async () => {
      const other = await start();
      const replicas = [analytics, other];
      for (let seq = 1; seq <= 20; seq += 1) await replicas[seq % 2]!.counting.take(upTo(seq));
      await Promise.all(replicas.map(({ counting }) => counting.sweep()));
      assert.deepEqual([attempts(), attempts('gateway-1', other)], [200, 200]);
    });

    it('knows who is connected right after a restart, and no longer than ten seconds after the last word', async () => {
      await take({ ...upTo(1), connections: 3, sessions: 2 });
      await query(`UPDATE epochs SET heard_at = now() - interval '4 seconds'`);
      let now = 0;
      analytics = await start(() => now);
      assert.deepEqual(analytics.live.sum(), { gateways: 1, connections: 3, sessions: 2 });
      now += 6_100;
      assert.equal(analytics.live.sum().connections, 0);
    });
  });

  /** What gateways really did: each process's last report, and all it has said on the way there. */
  function history(seed: number): { said: GatewayCounted[]; truth: Map<string, number> } {
    const pick = seededIntegers(seed);
    const said: GatewayCounted[] = [];
    const truth = new Map<string, number>();
    for (let index = 0; index < 12; index += 1) {
      let report = reportOf({ gateway: `gateway-${index % 4}`, epoch: newEpoch(), seq: 0 });
      const rejected = new Map<string, GatewayCounted['rejected'][number]>();
      const seconds = 5 + pick(15);
      for (let seq = 1; seq <= seconds; seq += 1) {
        for (let times = pick(4); times > 0; times -= 1) {
          const reason = rejectionReasons[pick(3)]!;
          const deviceId = pick(2) === 0 ? null : `device-${pick(20)}`;
          const known = rejected.get(`${reason} ${deviceId}`);
          rejected.set(`${reason} ${deviceId}`, { reason, deviceId, count: (known?.count ?? 0) + 1 });
        }
        const end = closingReasons[pick(closingReasons.length)]!;
        report = {
          ...report,
          seq,
          attempts: report.attempts + pick(50),
          accepted: report.accepted + pick(40),
          rejected: [...rejected.values()],
          ended: { ...report.ended, [end]: (report.ended[end] ?? 0) + pick(3) },
          telemetry: { ...report.telemetry, told: report.telemetry.told + pick(100) },
          last: seq === seconds && pick(2) === 0,
        };
        said.push(report);
      }
      const add = (key: string, by: number): void => void truth.set(key, (truth.get(key) ?? 0) + by);
      add('attempts', report.attempts);
      add('accepted', report.accepted);
      for (const { reason, count } of report.rejected) add(`rejected ${reason}`, count);
      for (const [reason, count] of Object.entries(report.ended)) add(`ended ${reason}`, count);
      add('telemetry told', report.telemetry.told);
    }
    return { said, truth };
  }
  /** What was told, added up over gateways and devices. */
  const summed = (told: ReadonlyMap<string, number>): Map<string, number> => {
    const sums = new Map<string, number>();
    for (const [key, count] of told) {
      const [name, label] = key.split(' ');
      const sum = name === 'attempts' || name === 'accepted' ? name : `${name} ${label}`;
      sums.set(sum, (sums.get(sum) ?? 0) + count);
    }
    return sums;
  };
  const withoutZeroes = (counts: ReadonlyMap<string, number>) =>
    Object.fromEntries([...counts].filter(([, count]) => count > 0));

  /** Delivers in a random order, some twice, some (but each process's last) never, with restarts and sweeps in between. */
  async function deliver(seed: number, said: readonly GatewayCounted[]): Promise<void> {
    const pick = seededIntegers(seed);
    const lastOf = new Map(said.map((report) => [report.epoch, report]));
    const deliveries = said
      .filter((report) => lastOf.get(report.epoch) === report || pick(5) > 0)
      .flatMap((report) => (pick(3) === 0 ? [report, report] : [report]))
      .map((report) => ({ report, place: pick(1_000_000) }))
      .toSorted((a, b) => a.place - b.place)
      .map(({ report }) => report);
    while (deliveries.length > 0) {
      await take(...deliveries.splice(0, 1 + pick(12)));
      if (pick(6) === 0) analytics = await start();
      if (pick(8) === 0) await analytics.counting.sweep();
    }
  }

  for (const seed of [1, 2, 3]) {
    it(`comes to what gateways did through repetition, loss, disorder and restarts (seed ${seed})`, async () => {
      const { said, truth } = history(seed);
      await deliver(seed, said);
      assert.deepEqual(withoutZeroes(summed(analytics.told)), withoutZeroes(truth));
      // A restart and two rounds of folding change no number.
      const before = withoutZeroes(analytics.told);
      await query(`UPDATE epochs SET heard_at = now() - interval '8 days'`);
      await analytics.counting.sweep();
      assert.equal((await query('SELECT FROM epochs')).length, 0);
      assert.deepEqual(withoutZeroes(analytics.told), before);
      analytics = await start();
      assert.deepEqual(withoutZeroes(analytics.told), before);
    });
  }

  describe('with a defect', () => {
    before(() => configureFaults({ labMode: true, faults: '' }));
    after(() => configureFaults({ labMode: false, faults: '' }));

    it('comes to something else where numbers are added instead of the largest taken', async () => {
      plantDefect('analytics.adds-instead-of-largest');
      try {
        const { said, truth } = history(1);
        await deliver(1, said);
        assert.notDeepEqual(withoutZeroes(summed(analytics.told)), withoutZeroes(truth));
      } finally {
        removeDefect('analytics.adds-instead-of-largest');
      }
    });
  });

  describe('with many names', () => {
    const failures = (of = analytics): string[] => [...of.told.keys()].filter((key) => key.startsWith('rejected '));

    it('keeps 113 series of failures through 10,000 devices, with every failure in one of them', async () => {
      const reasons = rejectionReasons.length;
      for (let round = 0; round < 100; round += 1) {
        // A process names a hundred devices at most, each under whatever reason.
        const rejected = Array.from({ length: 100 }, (_, index) => ({
          reason: rejectionReasons[index % reasons]!,
          deviceId: `stranger-${round * 100 + index}`,
          count: 1 + (index % 3),
        }));
        rejected.push(...rejectionReasons.map((reason) => ({ reason, deviceId: null as unknown as string, count: 5 })));
        await take(reportOf({ epoch: newEpoch(), rejected }));
      }
      assert.equal(failures().length, 100 + reasons);
      assert.ok(failures().length <= 120);
      const sum = failures().reduce((total, key) => total + analytics.told.get(key)!, 0);
      assert.equal(sum, 100 * (reasons * 5 + 199));
    });

    it('never moves a device from its name to `other`, nor back', async () => {
      const [old, young] = [newEpoch(), newEpoch()];
      const failing = (epoch: string, seq: number, devices: readonly string[], count: number): GatewayCounted =>
        reportOf({
          epoch,
          seq,
          rejected: devices.map((deviceId) => ({ reason: 'expired', deviceId, count })),
        });
      const early = Array.from({ length: 100 }, (_, index) => `early-${index}`);
      await take(failing(old, 1, early.slice(0, 99), 1));
      await take(failing(young, 1, ['last-of-all', 'too-late'], 2));
      assert.deepEqual(
        ['rejected expired last-of-all', 'rejected expired too-late', 'rejected expired other'].map((key) =>
          analytics.told.get(key),
        ),
        [2, undefined, 2],
      );
      analytics = await start();
      await take(failing(young, 2, ['too-late', 'last-of-all', ...early], 3), failing(old, 2, early, 3));
      assert.equal(analytics.told.get('rejected expired early-0'), 6);
      assert.equal(analytics.told.get('rejected expired last-of-all'), 3);
      // too-late and early-99, which nobody had room for: 3 of young each, and 3 of old for the latter.
      assert.equal(analytics.told.get('rejected expired other'), 9);
      assert.equal(failures().length, 101);
    });

    it('names a hundred also where two replicas decide at the same time', async () => {
      const other = await start();
      const failing = (prefix: string): GatewayCounted =>
        reportOf({
          epoch: newEpoch(),
          gateway: prefix,
          rejected: Array.from({ length: 100 }, (_, index) => ({
            reason: 'revoked' as const,
            deviceId: `${prefix}-${index}`,
            count: 1,
          })),
        });
      await Promise.all([analytics.counting.take(failing('left')), other.counting.take(failing('right'))]);
      assert.equal((await query(`SELECT FROM named_series WHERE kind = 'failure'`)).length, 100);
      analytics = await start();
      assert.equal(analytics.told.get('rejected revoked other'), 100);
    });

    it('takes no name for what has not been counted, and lets nobody be called `other`', async () => {
      await take(
        reportOf({
          gateway: 'other',
          epoch: newEpoch(),
          attempts: 1,
          rejected: [
            { reason: 'expired', deviceId: 'never', count: 0 },
            { reason: 'expired', deviceId: 'other', count: 3 },
          ],
        }),
      );
      assert.equal((await query('SELECT FROM named_series')).length, 0);
      assert.equal(analytics.told.get('rejected expired other'), 3);
    });

    it('names 32 gateways', async () => {
      for (let index = 0; index < 100; index += 1)
        await take(reportOf({ gateway: `gateway-${index}`, epoch: newEpoch(), attempts: 2 }));
      const gateways = [...analytics.told].filter(([key]) => key.startsWith('attempts '));
      assert.equal(gateways.length, 33);
      assert.equal(attempts('other'), 136);
    });
  });

  describe('of processes that are over', () => {
    const day = `now() - interval '25 hours'`;
    const age = (epoch: string, to = day) => query(`UPDATE epochs SET heard_at = ${to} WHERE epoch = '${epoch}'`);
    const kept = async () =>
      (await test.database.query<{ epoch: string }>('SELECT epoch FROM epochs ORDER BY 1')).map(({ epoch }) => epoch);

    it('folds those that have ended or were followed by another, a day after their last word', async () => {
      const [ended, followed, silent] = [newEpoch(), newEpoch(), newEpoch()];
      const next = newEpoch();
      await take(
        reportOf({ gateway: 'a', epoch: ended, attempts: 1, last: true }),
        reportOf({ gateway: 'b', epoch: followed, attempts: 2 }),
        reportOf({ gateway: 'b', epoch: next, attempts: 3 }),
        reportOf({ gateway: 'c', epoch: silent, attempts: 4 }),
      );
      await analytics.counting.sweep();
      assert.equal((await kept()).length, 4);
      for (const epoch of [ended, followed, silent]) await age(epoch);
      await analytics.counting.sweep();
      assert.deepEqual(await kept(), [silent, next]);
      await age(silent, `now() - interval '8 days'`);
      await analytics.counting.sweep();
      assert.deepEqual(await kept(), [next]);
      analytics = await start();
      assert.deepEqual(
        ['a', 'b', 'c'].map((gateway) => attempts(gateway)),
        [1, 5, 4],
      );
    });

    it('counts nothing twice that is heard of them later', async () => {
      const epoch = newEpoch();
      const report = reportOf({ epoch, seq: 9, attempts: 90, connections: 50, last: true });
      await take(report);
      await age(epoch);
      await analytics.counting.sweep();
      await take(report, { ...report, seq: 8, last: false });
      assert.equal(attempts(), 90);
      assert.deepEqual(analytics.refusals, ['folded', 'folded']);
      assert.equal(analytics.live.sum().connections, 0);
    });

    it('refuses reports that are older than their ids are remembered, and takes them of processes it knows', async () => {
      const [known, forgotten] = [newEpoch(), newEpoch()];
      const monthAgo = new Date(Date.now() - 31 * 86_400_000).toISOString();
      await take(reportOf({ epoch: forgotten, attempts: 7, last: true }), reportOf({ epoch: known, attempts: 1 }));
      await age(forgotten);
      await analytics.counting.sweep();
      await query(`UPDATE folded_epochs SET folded_at = now() - interval '31 days'`);
      await analytics.counting.sweep();
      assert.equal((await query('SELECT FROM folded_epochs')).length, 0);
      await take(reportOf({ epoch: forgotten, at: monthAgo, attempts: 7 }));
      await take(reportOf({ epoch: known, seq: 2, at: monthAgo, attempts: 5 }));
      assert.deepEqual(analytics.refusals, ['too-old']);
      assert.equal(attempts(), 12);
    });

    it('folds those silent for longest where there are too many', async () => {
      const epochs = Array.from({ length: 6 }, () => newEpoch());
      await take(...epochs.map((epoch, index) => reportOf({ gateway: `g-${index}`, epoch, attempts: 1 })));
      for (const [index, epoch] of epochs.entries()) await age(epoch, `now() - interval '${20 - index} minutes'`);
      assert.equal(await foldEpochs(test.database, 4), 2);
      assert.deepEqual(await kept(), epochs.slice(2).toSorted());
    });

    it('counts right while another replica folds', async () => {
      const other = await start();
      const epochs = Array.from({ length: 40 }, () => newEpoch());
      await take(...epochs.map((epoch) => reportOf({ epoch, attempts: 1 })));
      await query(`UPDATE epochs SET heard_at = ${day}`);
      // All but the newest are folded, each of them before or after its next report: never in between.
      await Promise.all([
        other.counting.sweep(),
        ...epochs.map((epoch) => analytics.counting.take(reportOf({ epoch, seq: 2, attempts: 2 }))),
      ]);
      const late = analytics.refusals.length;
      await Promise.all([analytics, other].map(({ counting }) => counting.sweep()));
      assert.deepEqual([attempts(), attempts('gateway-1', other)], [80 - late, 80 - late]);
    });
  });
});
