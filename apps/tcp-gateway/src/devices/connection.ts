/**
 * One device's connection, from its first byte to its end.
 *
 *   waiting ─ first line ─▶ judging ─ good token ─▶ open ─▶ ending ─▶ closed
 *      └───────── deadline, bad bytes, bad token ────────────▲
 *
 * `open` is a session. It ends exactly once, in `#endSession`, whoever ends it; the socket follows. In `ending` the last
 * line is on its way: what still comes is thrown away, because closing a socket with unread bytes in it would take back
 * the answer as well. Nothing here waits: one clock calls `due`, and a device that does not read is not read from.
 */
import { randomUUIDv7 } from 'node:crypto';
import type { Socket } from 'node:net';
import {
  lineLimitBytes,
  type ClosingReason,
  type DeviceEvent,
  type DeviceFrame,
  type GatewayFrame,
  type RejectionReason,
} from '@ballast/contracts';
import type { EndReason } from '../domain/counts.ts';
import { noSlot, type Timed } from '../domain/deadlines.ts';
import { readFrame } from '../domain/frames.ts';
import { LineReader, tooLong } from '../domain/line-reader.ts';
import type { Admission } from './admission.ts';
import { tokenOwner, type Verdict } from './judge.ts';
import { Outgoing } from './outgoing.ts';
import type { Shared } from './shared.ts';

/** Frames after which a session is told how many were taken, whatever time it is. */
const ackEvery = 100;
/** How long a socket may linger after its last line, in ms. */
const lingerMs = 1_000;
/** How often a connection that is being judged is looked at, in ms. */
const judgingMs = 1_000;

type Session = {
  deviceId: string;
  sessionId: string;
  /** ms since the epoch. */
  expiresAt: number;
  unwatch: () => void;
  received: number;
  acknowledged: number;
};

export class Connection implements Timed {
  slot = noSlot;
  readonly #shared: Shared;
  readonly #socket: Socket;
  readonly #address: string;
  readonly #admission: Exclude<Admission, 'cut'>;
  readonly #reader = new LineReader(lineLimitBytes);
  readonly #outgoing: Outgoing;
  #state: 'waiting' | 'judging' | 'open' | 'ending' | 'closed' = 'waiting';
  /** Moment of the state's own clock: connected, last heard, ended. */
  #since: number;
  #session: Session | undefined;
  #endedBy: EndReason | undefined;

  constructor(shared: Shared, socket: Socket, address: string, admission: Exclude<Admission, 'cut'>, now: number) {
    this.#shared = shared;
    this.#socket = socket;
    this.#address = address;
    this.#admission = admission;
    this.#outgoing = new Outgoing(socket, shared.limits.writeBufferBytes);
    this.#since = now;
  }

  /** Of the session, while there is one; empty otherwise. */
  get sessionId(): string {
    return this.#session?.sessionId ?? '';
  }

  /** Begins: refuses, or waits for the first line. */
  begin(): void {
    const { counts, deadlines, limits } = this.#shared;
    counts.connections += 1;
    if (this.#admission === 'full') {
      counts.attempt();
      this.#reject({ reason: 'over_capacity', deviceId: null, claimedId: null });
      return;
    }
    deadlines.set(this, this.#since + limits.authDeadlineMs);
  }

  /** Bytes have come. */
  received(piece: Buffer): void {
    if (this.#state === 'ending' || this.#state === 'closed') return;
    this.#reader.push(piece);
    this.#read();
  }

  /** The socket has room again. */
  drained(): void {
    if (this.#outgoing.stalledSince === 0) return;
    this.#outgoing.stalledSince = 0;
    if (this.#state === 'open') {
      // Having read is a sign of life.
      this.#since = performance.now();
      this.#shared.deadlines.set(this, this.#nextOpen(this.#since));
    }
    this.#read();
  }

  /** The socket is gone. */
  closed(): void {
    const { counts, deadlines, admission } = this.#shared;
    const state = this.#state;
    if (state === 'closed') return;
    if (state === 'open') this.#endSession('gone');
    // Whoever hangs up before its first line has attempted nothing. One that is being judged is judged to the end.
    if ((state === 'waiting' || state === 'judging') && this.#admission === 'open') admission.judged();
    if (state === 'judging') this.#endedBy ??= 'gone';
    this.#state = 'closed';
    counts.connections -= 1;
    admission.left(this.#address, this.#admission);
    deadlines.remove(this);
    if (this.#session !== undefined) this.#shared.table.remove(this.#session.deviceId, this);
  }

  /** Tells the device why, and ends. */
  close(reason: ClosingReason): void {
    switch (this.#state) {
      case 'open':
        this.#endSession(reason);
        break;
      case 'waiting':
      case 'judging':
        // Not its fault, and no verdict: only the end of the process comes before one.
        if (this.#admission === 'open') this.#shared.admission.judged();
        if (this.#state === 'judging') this.#endedBy = reason;
        break;
      default:
        return;
    }
    this.#finish({ type: 'closing', reason });
  }

  /** Cuts the socket. */
  destroy(): void {
    this.#socket.destroy();
  }

  due(now: number): number | null {
    const { limits } = this.#shared;
    switch (this.#state) {
      case 'waiting': {
        const end = this.#since + limits.authDeadlineMs;
        if (now < end) return end;
        this.#rejectUnheard('auth_timeout');
        return null;
      }
      case 'judging':
        return now + judgingMs;
      case 'open':
        return this.#dueOpen(now);
      case 'ending':
        this.#socket.destroy();
        return null;
      case 'closed':
        return null;
    }
  }

  /** Tells how many frames were taken, if that is news. */
  acknowledge(): void {
    const session = this.#session;
    if (this.#state !== 'open' || session === undefined || session.received === session.acknowledged) return;
    session.acknowledged = session.received;
    this.#say({ type: 'ack', count: session.received });
  }

  /** When a session has been silent, or has not read, for too long. */
  #patience(): number {
    const { stallMs, heartbeatSeconds } = this.#shared.limits;
    return this.#outgoing.stalledSince === 0
      ? this.#since + heartbeatSeconds * 1_000
      : this.#outgoing.stalledSince + stallMs;
  }

  /** Its next deadline. The token's end is a moment of the wall clock, which is looked at anew each time. */
  #nextOpen(now: number): number {
    return Math.min(now + this.#session!.expiresAt - Date.now(), this.#patience());
  }

  #dueOpen(now: number): number | null {
    if (Date.now() >= this.#session!.expiresAt) this.close('expired');
    else if (now >= this.#patience()) this.close(this.#outgoing.stalledSince === 0 ? 'idle' : 'overload');
    else return this.#nextOpen(now);
    return null;
  }

  #read(): void {
    this.#outgoing.gather();
    while ((this.#state === 'waiting' || this.#state === 'open') && this.#outgoing.stalledSince === 0) {
      const line = this.#reader.next();
      if (line === undefined) break;
      this.#take(line);
    }
    if (this.#outgoing.release()) this.#stalled();
    const wanted = this.#state !== 'judging' && this.#outgoing.stalledSince === 0;
    if (this.#socket.isPaused() === wanted) {
      if (wanted) this.#socket.resume();
      else this.#socket.pause();
    }
  }

  #take(line: Buffer | typeof tooLong): void {
    if (line === tooLong) {
      if (this.#state === 'waiting') this.#rejectUnheard('too_long');
      else this.close('protocol');
      return;
    }
    const frame = readFrame(line);
    if (this.#state === 'waiting') {
      if (frame?.type === 'auth') this.#present(frame.token);
      else this.#rejectUnheard('malformed');
      return;
    }
    this.#since = performance.now();
    if (frame?.type === 'ping') this.#say({ type: 'pong' });
    else if (frame?.type === 'telemetry') this.#takeTelemetry(frame, line.length);
    else this.close('protocol');
  }

  #takeTelemetry({ sentAt, readings }: Extract<DeviceFrame, { type: 'telemetry' }>, bytes: number): void {
    const { counts, owed, tell } = this.#shared;
    const session = this.#session!;
    const { deviceId, sessionId } = session;
    session.received += 1;
    counts.telemetry.received += 1;
    tell.telemetry({ deviceId, sessionId, receivedAt: new Date().toISOString(), sentAt, readings }, bytes);
    if (session.received - session.acknowledged >= ackEvery) this.acknowledge();
    else owed.add(this);
  }

  #present(token: string): void {
    this.#state = 'judging';
    this.#shared.counts.attempt();
    // The judge never rejects.
    void this.#shared.judge(token).then((verdict) => this.#judged(verdict));
  }

  #judged(verdict: Verdict): void {
    const { admission, attempts } = this.#shared;
    let judged = verdict;
    if ('claims' in judged && !attempts.take(judged.claims.sub, performance.now())) {
      judged = { reason: 'over_capacity', deviceId: judged.claims.sub, claimedId: null };
    }
    // Gone, or told to go, while it was being judged: counted, and the device's session of the moment left alone.
    const here = this.#state === 'judging';
    if (here) admission.judged();
    if (!('claims' in judged)) this.#reject(judged, here);
    else if (here) this.#accept(judged.claims);
    else this.#acceptTooLate(judged.claims.sub);
  }

  #accept({ sub: deviceId, jti, exp }: { sub: string; jti: string; exp: number }): void {
    const { counts, table, revocations, deadlines, limits, tell } = this.#shared;
    const now = performance.now();
    const session: Session = {
      deviceId,
      sessionId: randomUUIDv7(),
      expiresAt: exp * 1_000,
      unwatch: () => {},
      received: 0,
      acknowledged: 0,
    };
    tell.handshake(now - this.#since);
    this.#state = 'open';
    this.#since = now;
    this.#session = session;
    counts.accept();
    counts.sessions += 1;
    this.#tellEvent('authenticated', null);
    table.replace(deviceId, this)?.close('replaced');
    tell.session({ deviceId, sessionId: session.sessionId });
    this.#say({
      type: 'accepted',
      sessionId: session.sessionId,
      expiresAt: new Date(session.expiresAt).toISOString(),
      heartbeatSeconds: limits.heartbeatSeconds,
    });
    deadlines.set(this, this.#nextOpen(now));
    session.unwatch = revocations.onRevoked(tokenOwner(jti), () => this.close('revoked'));
    this.#read();
  }

  #acceptTooLate(deviceId: string): void {
    const { counts } = this.#shared;
    const reason = this.#endedBy ?? 'gone';
    this.#session = {
      deviceId,
      sessionId: randomUUIDv7(),
      expiresAt: 0,
      unwatch: () => {},
      received: 0,
      acknowledged: 0,
    };
    counts.accept();
    this.#tellEvent('authenticated', null);
    counts.end(reason);
    this.#tellEvent('disposed', reason);
  }

  /** Before any token was shown. */
  #rejectUnheard(reason: RejectionReason): void {
    this.#shared.counts.attempt();
    this.#shared.admission.judged();
    this.#reject({ reason, deviceId: null, claimedId: null });
  }

  #reject(verdict: Exclude<Verdict, { claims: unknown }>, here = true): void {
    const { counts, tell } = this.#shared;
    const { reason, deviceId, claimedId } = verdict;
    counts.reject(reason, deviceId);
    tell.event({ ...this.#event('rejected', reason), deviceId, claimedId, sessionId: null });
    if (here) this.#finish({ type: 'rejected', reason });
  }

  #endSession(reason: EndReason): void {
    const { counts, table, owed } = this.#shared;
    const session = this.#session!;
    session.unwatch();
    owed.delete(this);
    table.remove(session.deviceId, this);
    counts.sessions -= 1;
    counts.end(reason);
    this.#tellEvent('disposed', reason);
  }

  #event(kind: DeviceEvent['kind'], reason: string | null): Omit<DeviceEvent, 'deviceId' | 'claimedId' | 'sessionId'> {
    return { id: randomUUIDv7(), kind, at: new Date().toISOString(), remoteAddress: this.#address, reason };
  }

  #tellEvent(kind: DeviceEvent['kind'], reason: string | null): void {
    const { deviceId, sessionId } = this.#session!;
    this.#shared.tell.event({ ...this.#event(kind, reason), deviceId, claimedId: null, sessionId });
  }

  /** The last line, and then the end, at the latest after a second. */
  #finish(frame: GatewayFrame): void {
    this.#state = 'ending';
    this.#since = performance.now();
    this.#shared.deadlines.set(this, this.#since + lingerMs);
    this.#outgoing.finish(frame);
  }

  #say(frame: GatewayFrame): void {
    if (this.#outgoing.say(frame)) this.#stalled();
  }

  /** The device does not read: it has so long and no longer. */
  #stalled(): void {
    if (this.#state === 'open') this.#shared.deadlines.set(this, this.#nextOpen(this.#outgoing.stalledSince));
  }
}
