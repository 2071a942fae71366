/** What all connections of a process share. */
import type { DeviceEvent, DeviceSessions, DeviceTelemetry } from '@ballast/contracts';
import type { RevocationView } from '@ballast/service';
import type { AttemptLimit } from '../domain/attempt-limit.ts';
import type { Counts } from '../domain/counts.ts';
import type { Deadlines } from '../domain/deadlines.ts';
import type { AdmissionCounter } from './admission.ts';
import type { Connection } from './connection.ts';
import type { Judge } from './judge.ts';
import type { SessionTable } from './session-table.ts';

/** What all connections of a process share. Times are in ms. */
export interface Shared {
  judge: Judge;
  revocations: Pick<RevocationView, 'onRevoked'>;
  table: SessionTable<Connection>;
  admission: AdmissionCounter;
  attempts: AttemptLimit;
  deadlines: Deadlines<Connection>;
  counts: Counts;
  /** Sessions that have sent telemetry they were not told about yet. */
  owed: Set<Connection>;
  limits: { authDeadlineMs: number; heartbeatSeconds: number; writeBufferBytes: number; stallMs: number };
  tell: {
    event(event: DeviceEvent): void;
    /** `bytes` is about what the item takes. */
    telemetry(item: DeviceTelemetry['items'][number], bytes: number): void;
    /** For the gateway's other processes. */
    session(item: DeviceSessions['items'][number]): void;
    /** Time from connecting to being let in, in ms. */
    handshake(milliseconds: number): void;
  };
}
