/**
 * One connection of a device to the gateway, and what it was told on it. Every wait has an end, and every connection is
 * counted once: as accepted, as rejected for a reason, or, where it was closed without a word, as one too many.
 */
import { connect, type Socket } from 'node:net';
import type { GatewayFrame } from '@ballast/contracts';
import type { Tally } from '../tally.ts';
import { readGatewayFrame } from './frames.ts';

export interface Target {
  host: string;
  port: number;
}

/** How long connecting, and the answer to the first line, may take, in ms; silent devices wait longer by themselves. */
const patienceMs = 15_000;
/** How long the other side may take to hang up once we have, in ms. */
const lingerMs = 3_000;
/** Characters of a line of the gateway's; its longest has about 150. */
const lineLimit = 4_096;
/** Frames that may wait for an acknowledgement. */
const unacknowledgedLimit = 1_000;

export class Connection {
  readonly #socket: Socket;
  readonly #tally: Tally;
  readonly #began = performance.now();
  readonly #watchers = new Set<() => void>();
  #rest = '';
  #connected = false;
  #leaving = false;
  #gone = false;
  #errorCode: string | undefined;
  #verdict: string | undefined;
  #verdictMs = 0;
  #closing: string | undefined;
  #inSession = false;
  #pingedAt: number | undefined;
  #heartbeatMs = 30_000;
  #sent = 0;
  #acknowledged = 0;
  /** When each frame that is not acknowledged yet was sent, oldest first. */
  #sentAt: number[] = [];
  #broken = false;

  constructor(target: Target, tally: Tally, onGone: () => void) {
    this.#tally = tally;
    const socket = connect({ ...target, noDelay: true });
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('connect', () => {
      this.#connected = true;
      this.#changed();
    });
    socket.on('data', (text: string) => this.#received(text));
    socket.on('error', (error) => {
      this.#errorCode = 'code' in error ? String(error.code) : error.message;
    });
    socket.on('close', () => {
      this.#closed();
      onGone();
    });
  }

  /** What the first line was answered with: `accepted`, `rejected …`; or what came instead of an answer. */
  async verdict(milliseconds = patienceMs): Promise<string> {
    await this.#until(() => this.#verdict !== undefined || this.#gone || this.#closing !== undefined, milliseconds);
    if (this.#verdict !== undefined) return this.#verdict;
    if (this.#closing !== undefined) return this.#closing;
    if (!this.#gone) return 'no answer';
    return this.#connected ? 'cut' : `no connection (${this.#errorCode ?? 'closed'})`;
  }

  /** From connecting to the verdict, in ms. */
  get verdictMs(): number {
    return this.#verdictMs;
  }

  /** How long the gateway waits for a session to be heard of, in ms. */
  get heartbeatMs(): number {
    return this.#heartbeatMs;
  }

  /** Frames sent and not acknowledged. */
  get unacknowledged(): number {
    return this.#sent - this.#acknowledged;
  }

  /** How the session ended: `closing …`, or `gone` without a word; undefined while it goes on. */
  get end(): string | undefined {
    if (this.#broken) return 'said what no gateway says';
    return this.#closing ?? (this.#gone ? 'gone' : undefined);
  }

  /** Says bytes, as they are. */
  write(bytes: string | Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  say(frame: object): void {
    this.write(`${JSON.stringify(frame)}\n`);
  }

  /** Shows a token, and waits for the verdict. */
  present(token: string): Promise<string> {
    this.say({ type: 'auth', token });
    return this.verdict();
  }

  /** Writes bytes one by one, each in a piece of its own. */
  async writeSingly(bytes: Uint8Array): Promise<void> {
    for (const byte of bytes) {
      if (!this.#socket.writable) return;
      this.#socket.write(Uint8Array.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** A ping is on its way; its answer is measured. One at a time. */
  pinged(): void {
    this.#pingedAt = performance.now();
  }

  ping(): void {
    this.pinged();
    this.say({ type: 'ping' });
  }

  /** For how long a ping has been waiting for its answer, in ms; 0 where none is. */
  get pingWaits(): number {
    return this.#pingedAt === undefined ? 0 : performance.now() - this.#pingedAt;
  }

  /** Whether the last ping is answered within this time, in ms. */
  async ponged(milliseconds = patienceMs): Promise<boolean> {
    await this.#until(() => this.#pingedAt === undefined || this.end !== undefined, milliseconds);
    return this.#pingedAt === undefined;
  }

  /** Sends telemetry, unless too much of it waits for an acknowledgement; answers whether it did. */
  sendTelemetry(readings: Record<string, number>): boolean {
    if (this.#sentAt.length >= unacknowledgedLimit) return false;
    this.#sent += 1;
    this.#tally.sent += 1;
    this.#sentAt.push(performance.now());
    this.say({ type: 'telemetry', sentAt: new Date().toISOString(), readings });
    return true;
  }

  /** Waits until all frames are acknowledged or the session ends. */
  async allAcknowledged(milliseconds: number): Promise<boolean> {
    await this.#until(() => this.unacknowledged <= 0 || this.end !== undefined, milliseconds);
    return this.unacknowledged === 0;
  }

  /** Waits until the session ends, or `wake` says so, or the time (ms) is over; answers how it ended. */
  async endWithin(milliseconds: number, wake: () => boolean = () => false): Promise<string | undefined> {
    await this.#until(() => this.end !== undefined || wake(), milliseconds);
    return this.end;
  }

  /** Reads nothing any more, as a device does whose network is gone. */
  deafen(): void {
    this.#socket.pause();
  }

  hear(): void {
    this.#socket.resume();
  }

  /** Hangs up, and waits until the socket is gone. */
  async hangUp(): Promise<void> {
    this.#leaving = true;
    this.#socket.resume();
    this.#socket.end();
    await this.#until(() => this.#gone, lingerMs);
    this.#socket.destroy();
    await this.#until(() => this.#gone, lingerMs);
  }

  /** Cuts the socket at once. */
  destroy(): void {
    this.#leaving = true;
    this.#socket.destroy();
  }

  /** Whoever waits looks again. */
  poke(): void {
    this.#changed();
  }

  #changed(): void {
    for (const look of this.#watchers) look();
  }

  /** Resolves when `isSo`, or after the time; which of them, the caller sees by looking. */
  #until(isSo: () => boolean, milliseconds: number): Promise<void> {
    if (isSo()) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        resolve();
      };
      const look = (): void => {
        if (isSo()) done();
      };
      const timer = setTimeout(done, milliseconds);
      this.#watchers.add(look);
    });
  }

  #received(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) {
      const frame = readGatewayFrame(line);
      if (frame === undefined || !this.#take(frame)) this.#breakOff();
    }
    if (this.#rest.length > lineLimit) this.#breakOff();
    this.#changed();
  }

  /** Answers whether the frame has its place here. */
  #take(frame: GatewayFrame): boolean {
    const now = performance.now();
    const first = this.#verdict === undefined && this.#closing === undefined;
    switch (frame.type) {
      case 'accepted':
      case 'rejected':
        if (!first) return false;
        this.#verdictMs = now - this.#began;
        if (frame.type === 'rejected') {
          this.#verdict = `rejected ${frame.reason}`;
          this.#tally.reject(frame.reason);
        } else {
          this.#verdict = 'accepted';
          this.#inSession = true;
          this.#heartbeatMs = frame.heartbeatSeconds * 1_000;
          this.#tally.accept(this.#verdictMs);
        }
        return true;
      case 'pong':
        if (this.#pingedAt === undefined) return false;
        this.#tally.latencies.pong.add(now - this.#pingedAt);
        this.#pingedAt = undefined;
        return true;
      case 'ack': {
        const newly = frame.count - this.#acknowledged;
        if (newly <= 0 || frame.count > this.#sent) return false;
        for (const at of this.#sentAt.slice(0, newly)) this.#tally.latencies.ack.add(now - at);
        this.#sentAt = this.#sentAt.slice(newly);
        this.#acknowledged = frame.count;
        this.#tally.acknowledged += newly;
        return true;
      }
      case 'closing':
        if (this.#closing !== undefined) return false;
        this.#closing = `closing ${frame.reason}`;
        this.#leaveSession();
        return true;
    }
  }

  /** A gateway that says what none says is not listened to any more. */
  #breakOff(): void {
    this.#broken = true;
    this.#rest = '';
    this.#socket.destroy();
  }

  #leaveSession(): void {
    if (this.#inSession) this.#tally.sessions -= 1;
    this.#inSession = false;
  }

  #closed(): void {
    this.#gone = true;
    this.#leaveSession();
    // The gateway counts those it closes without a word; a connection that never was is nobody's attempt.
    if (this.#connected && !this.#leaving && this.#verdict === undefined && this.end === 'gone') {
      this.#tally.cut += 1;
      this.#tally.reject('over_capacity');
    }
    this.#changed();
  }
}
