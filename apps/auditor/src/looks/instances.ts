/** What every process says of itself: messages given up, logins in use, series, descriptors, memory. */
import type { Queryable } from '@ballast/postgres';
import type { Metrics, Page } from '../clients/instances.ts';
import type { Board, FaultState, Finding, Offence } from '../domain/board.ts';
import { sumOf } from '../domain/exposition.ts';
import { createGrowthJudge } from '../domain/growth.ts';
import { createLetterJudge } from '../domain/letters.ts';
import { createLoginJudge, type Holder } from '../domain/logins.ts';
import { lentLogins } from '../store/backends.ts';
import { plural, report } from './look.ts';

/** Series of one process (invariant 16). */
const mostSeries = 500;
/** Messages given up for so long after a fault, in ms, are that fault's. */
const faultEchoMs = 10_000;

/** One life of one process. */
const lifeOf = ({ instance, startedAt }: Page): string => `${instance.name}@${startedAt}`;

export interface InstanceSources {
  board: Board;
  database: Queryable;
  metrics: Metrics;
  faults: () => FaultState;
  now: () => number;
}

/** Returns the look; call it every few seconds. */
export function createInstanceLook({ board, database, metrics, faults, now }: InstanceSources): () => Promise<void> {
  const logins = createLoginJudge();
  const letters = createLetterJudge(now());
  const growth = createGrowthJudge();
  /** When a fault was last known to be active, or nobody knew. */
  let faultAt = Number.NEGATIVE_INFINITY;

  const judgeLetters = (pages: readonly Page[]): Finding => {
    const { faults: state, healedAt } = faults();
    if (state !== 'none') faultAt = now();
    const counts = pages.map((page) => ({
      instance: page.instance.name,
      startedAt: page.startedAt,
      queues: givenUp(page),
    }));
    const offences = letters.judge(counts, now() - Math.max(faultAt, healedAt ?? faultAt) < faultEchoMs);
    const { all, excused } = letters.totals;
    const detail = all === 0 ? 'no message given up' : `${plural(all, 'message')} given up, ${excused} by faults`;
    return { invariant: 8, part: 'letters', detail, offences };
  };

  const judgeLogins = async (pages: readonly Page[]): Promise<Finding> => {
    const lent = await lentLogins(database);
    const holders = pages.map((page): Holder => ({
      service: page.instance.service,
      life: lifeOf(page),
      logins: page.samples
        .filter(({ name, value }) => name === 'database_logins_held' && value > 0)
        .map(({ labels }) => labels['username'] ?? ''),
      notRevoked: sumOf(page.samples, 'database_leases_not_revoked') ?? 0,
    }));
    const detail = `${plural(lent.length, 'login')} on loan`;
    return { invariant: 14, part: 'logins', detail, offences: logins.judge(lent, holders) };
  };

  const judgeGrowth = (pages: readonly Page[], silent: readonly string[]): Finding => {
    const offences: Offence[] = [];
    const baselines: number[] = [];
    for (const page of pages) {
      const { name } = page.instance;
      const of = (metric: string): number => sumOf(page.samples, metric) ?? 0;
      if (page.series > mostSeries)
        offences.push({ id: name, key: `${name} series`, why: `${name} has ${page.series} metric series`, lasts: 0 });
      const { since, ready, grown } = growth.look(name, page.startedAt, {
        at: page.at,
        files: of('process_open_fds'),
        bytes: of('process_resident_memory_bytes'),
        requests: of('http_requests_total'),
      });
      if (ready) baselines.push(since);
      for (const { what, from, to } of grown)
        offences.push({
          id: name,
          key: `${lifeOf(page)} ${what}`,
          why: `${name} went from ${inWords(what, from)} to ${inWords(what, to)}`,
          lasts: 0,
          afterHeal: 600_000,
        });
    }
    const most = Math.max(0, ...pages.map(({ series }) => series));
    const baseline =
      baselines.length === 0
        ? 'no baseline yet'
        : `baseline of ${baselines.length} since ${new Date(Math.max(...baselines)).toISOString()}`;
    const detail = [
      `${plural(pages.length, 'process', 'processes')}, ${most} series at most, ${baseline}`,
      ...silent,
    ].join('; ');
    return { invariant: 16, part: 'metrics', detail, offences };
  };

  return async () => {
    const { pages, silent } = await metrics.read();
    const read = (): readonly Page[] => {
      if (pages.length === 0) throw new Error(silent.join(', ') || 'nobody has any');
      return pages;
    };
    await report(board, 'metrics', [[8, 'letters']], async () => [judgeLetters(read())]);
    await report(board, 'logins', [[14, 'logins']], async () => [await judgeLogins(read())]);
    await report(board, 'metrics', [[16, 'metrics']], async () => [judgeGrowth(read(), silent)]);
  };
}

/** Messages that went to the dead letters, by queue. */
function givenUp({ samples }: Page): Record<string, number> {
  const queues: Record<string, number> = {};
  for (const { name, labels, value } of samples) {
    if (name === 'messages_consumed_total' && labels['outcome'] === 'dead-lettered')
      queues[labels['queue'] ?? ''] = value;
  }
  return queues;
}

const inWords = (what: string, value: number): string =>
  what === 'memory' ? `${Math.round(value / 1024 / 1024)} MB` : `${value} ${what}`;
