/** What one thread is told to do, and what it and whoever leads it say to each other. */
import type { Snapshot } from '../tally.ts';

/** Shares of one thread; all that is divided among threads is divided already. */
export interface Assignment {
  devices: { scenario: string; number: number }[];
  gateway: { host: string; port: number };
  identity: string;
  operator: { email: string; password: string };
  rate: number;
  connectRate: number;
  unknown: number;
  authDeadlineMs: number;
  patienceMs: number;
  tokenSeconds: number;
  seed: number;
}

/** When a run begins and when it ends, in ms since the epoch. */
export interface Moments {
  startsAt: number;
  endsAt: number;
}

export type ToThread = { kind: 'go'; moments: Moments } | { kind: 'stop' };

export type FromThread =
  | { kind: 'snapshot'; snapshot: Snapshot }
  | { kind: 'prepared' }
  | { kind: 'done'; snapshot: Snapshot }
  /** `plain`: told in words for whoever started the simulator. */
  | { kind: 'failed'; message: string; plain: boolean };
