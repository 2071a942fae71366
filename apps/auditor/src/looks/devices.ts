/** Devices: the gauge of connections against the kernel's table, and attempts against what became of them. */
import type { Queryable } from '@ballast/postgres';
import type { Metrics, Page } from '../clients/instances.ts';
import type { SocketCount } from '../clients/sockets.ts';
import type { Board, Finding, Offence } from '../domain/board.ts';
import { sumOf } from '../domain/exposition.ts';
import { Recent } from '../domain/recent.ts';
import { madeAt } from '../domain/uuid7.ts';
import { gatewayRows, type GatewayRow } from '../store/devices.ts';
import { plural, report } from './look.ts';

/** The gauge may be that far behind the kernel: a report a second, and its way through the broker. In ms. */
const gaugeLagMs = 3_000;
/** So long it may be beside that before it counts: guarantee 11's second, seen twice. */
const besideMs = 2_000;
/** Within this a killed gateway's connections are gone from the gauge (invariant 11). */
const killedMs = 15_000;
/** An attempt whose connection has just gone is judged to its end: so long there may be one more than connections. */
const judgedMs = 5_000;

export interface DeviceSources {
  board: Board;
  database: Queryable;
  metrics: Metrics;
  /** Sockets of the gateways' port. Left out where they cannot be seen from here: invariant 11 is not on the board then. */
  sockets: (() => Promise<SocketCount>) | undefined;
  /** In ms since the epoch. */
  now: () => number;
}

/** Returns the look; call it every second. */
export function createDeviceLook({ board, database, metrics, sockets, now }: DeviceSources): () => Promise<void> {
  const kernel = new Recent(gaugeLagMs);
  let changedAt = now();
  let processes = '';

  /** Gateways that fell silent, ended or were started: what they had open leaves the gauge by its expiry. */
  const noteProcesses = (gateways: readonly Page[], silent: readonly string[]): void => {
    const seen = JSON.stringify([gateways.map(({ instance, startedAt }) => [instance.name, startedAt]), silent.length]);
    if (seen !== processes) changedAt = now();
    processes = seen;
  };

  const judgeGauge = async (count: () => Promise<SocketCount>): Promise<Finding> => {
    const { pages, silent } = await metrics.read('tcp-gateway');
    noteProcesses(pages, silent);
    const gauge = await readGauge(metrics);
    const { established, most } = await count();
    const { low, high } = kernel.note(now(), established, most);
    const detail = [`${gauge} by the gauge, ${established} by the kernel`, ...silent].join('; ');
    const finding = { invariant: 11, part: 'sockets', detail };
    // Who does not answer may have sockets that nobody looks after: the kernel says nothing about them, time does.
    const isWrong = pages.length === 0 ? gauge > 0 : gauge < low || gauge > high;
    if (!isWrong) return { ...finding, offences: [] };
    const settled = pages.length > 0 && silent.length === 0 && now() - changedAt > killedMs;
    const why = `${plural(gauge, 'connection')} by the gauge; the kernel has had ${low === high ? low : `${low} to ${high}`} established`;
    const offence: Offence = {
      id: 'active_connections_total',
      why,
      lasts: settled ? besideMs : killedMs,
      afterHeal: killedMs,
    };
    return { ...finding, offences: [offence] };
  };

  const judgeCounts = async (): Promise<Finding> => {
    const rows = await gatewayRows(database);
    // After the rows: what a process has counted may only have grown since.
    const { pages } = await metrics.read('tcp-gateway');
    const offences = rows.flatMap((row) => wrongCounts(row, pages));
    const sums = rows.reduce((sum, row) => sum + row.attempts, 0);
    const detail = `${plural(sums, 'attempt')} at ${plural(rows.length, 'process', 'processes')}`;
    return { invariant: 12, part: 'counts', detail, offences };
  };

  return async () => {
    if (sockets !== undefined)
      await report(board, 'connections', [[11, 'sockets']], async () => [await judgeGauge(sockets)]);
    await report(board, 'attempts', [[12, 'counts']], async () => [await judgeCounts()]);
  };
}

async function readGauge(metrics: Metrics): Promise<number> {
  const { pages, silent } = await metrics.read('analytics');
  const gauge = pages.map(({ samples }) => sumOf(samples, 'active_connections_total')).find((sum) => sum !== undefined);
  if (gauge === undefined) throw new Error(silent.join(', ') || 'analytics does not say who is connected');
  return gauge;
}

/** `pages`: what the gateways' processes say that run now. */
function wrongCounts(row: GatewayRow, pages: readonly Page[]): Offence[] {
  const { gateway, epoch, attempts, accepted, rejected, live } = row;
  const offence = (what: string, why: string, lasts: number): Offence => ({
    id: gateway,
    key: `${epoch} ${what}`,
    why: `${gateway}: ${why}`,
    lasts,
  });
  const sum = `${plural(attempts, 'attempt')}, ${accepted} let in, ${rejected} refused`;
  const open = attempts - accepted - rejected;
  if (open < 0) return [offence('too few', `${sum}: ${-open} more than there were attempts`, 0)];
  const offences: Offence[] = [];
  const most = Math.max(0, row.connections - row.sessions);
  // Of a process that is gone nobody knows what became of the attempts it was judging.
  if (live && open > most)
    offences.push(offence('too many', `${sum}: ${open} without an end, of ${most} that wait for one`, judgedMs));
  const page = pages.find(({ instance }) => instance.name === gateway);
  const counted = page === undefined ? undefined : sumOf(page.samples, 'gateway_attempts_total');
  // Its epoch is made when a process starts: an older one is of the process before.
  const isOfPage = page !== undefined && (madeAt(epoch) ?? 0) >= page.startedAt;
  if (isOfPage && counted !== undefined && attempts > counted)
    offences.push(offence('inflated', `${plural(attempts, 'attempt')} are stored, it has counted ${counted}`, 0));
  return offences;
}
