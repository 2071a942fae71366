/** A device on a socket, honest or not: what it says, what it was told, and how long that took. */
import { connect, type Socket } from 'node:net';
import type { GatewayFrame } from '@ballast/contracts';

/** How long any answer may take, in ms: beyond it there is none. */
const answerMs = 15_000;

export const authLine = (token: string): string => `${JSON.stringify({ type: 'auth', token })}\n`;
const pingLine = '{"type":"ping"}\n';
const telemetryLine = (at: number): string =>
  `${JSON.stringify({ type: 'telemetry', sentAt: new Date().toISOString(), readings: { temperature: 21.5, at } })}\n`;

export class Device {
  readonly socket: Socket;
  /** What became of its first line: `accepted`, the reason why it was rejected, or `gone`. Never rejects. */
  readonly outcome: Promise<string>;
  /** Why it is over: the reason it was told, `gone` where it was told none, `left` where it hung up. Never rejects. */
  readonly over: Promise<string>;
  isOpen = false;
  /** Its first line has gone out; the gateway may never have read it. */
  hasSpoken = false;
  sent = 0;
  /** By the gateway's last word about it. */
  acknowledged = 0;
  readonly #outcome = Promise.withResolvers<string>();
  readonly #over = Promise.withResolvers<string>();
  readonly #pings: { at: number; answered: (milliseconds: number) => void }[] = [];
  #acknowledged: { frames: number; done: () => void } | undefined;
  #toldWhy: string | undefined;
  #left = false;
  #rest = '';

  /** Connects to the gateway's port, and says `firstLine`, if there is one, as soon as it can. */
  constructor(port: number, firstLine?: string) {
    this.outcome = this.#outcome.promise;
    this.over = this.#over.promise;
    // One that is paused does not see the gateway hang up, and so never hangs up itself.
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.socket.setEncoding('utf8');
    this.socket.on('connect', () => {
      if (firstLine === undefined) return;
      this.hasSpoken = true;
      this.socket.write(firstLine);
    });
    this.socket.on('data', (text: string) => {
      const lines = (this.#rest + text).split('\n');
      this.#rest = lines.pop()!;
      for (const line of lines) this.#hear(JSON.parse(line) as GatewayFrame);
    });
    // Whatever it is, the end follows.
    this.socket.on('error', () => this.socket.destroy());
    this.socket.on('close', () => this.#end());
  }

  /** Resolves to how long the answer took, in ms; to NaN where the end came first. */
  ping(): Promise<number> {
    if (!this.isOpen) return Promise.resolve(Number.NaN);
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#pings.push({ at: performance.now(), answered: resolve });
    this.socket.write(pingLine);
    return promise;
  }

  /** Sends telemetry. */
  send(frames: number): void {
    if (!this.isOpen) return;
    let text = '';
    for (let frame = 0; frame < frames; frame += 1) text += telemetryLine((this.sent += 1));
    this.socket.write(text);
  }

  /** Resolves when all that it has sent so far is acknowledged, or it is over. */
  acknowledgement(): Promise<void> {
    if (this.acknowledged >= this.sent || !this.isOpen) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#acknowledged = { frames: this.sent, done: resolve };
    return promise;
  }

  /** Hangs up, without a farewell that would keep the port busy. */
  leave(): void {
    this.#left = true;
    this.socket.resetAndDestroy();
  }

  #hear(frame: GatewayFrame): void {
    switch (frame.type) {
      case 'accepted':
        this.isOpen = true;
        this.#outcome.resolve('accepted');
        break;
      case 'rejected':
        this.#toldWhy = frame.reason;
        this.#outcome.resolve(frame.reason);
        break;
      case 'pong': {
        const ping = this.#pings.shift();
        ping?.answered(performance.now() - ping.at);
        break;
      }
      case 'ack':
        this.acknowledged = frame.count;
        if (this.#acknowledged !== undefined && frame.count >= this.#acknowledged.frames) this.#acknowledged.done();
        break;
      case 'closing':
        this.isOpen = false;
        this.#toldWhy = frame.reason;
    }
  }

  #end(): void {
    this.isOpen = false;
    this.#outcome.resolve('gone');
    this.#over.resolve(this.#left ? 'left' : (this.#toldWhy ?? 'gone'));
    for (const { answered } of this.#pings.splice(0)) answered(Number.NaN);
    this.#acknowledged?.done();
  }
}

/** What `promise` resolves to; rejects with `what` where that takes longer than any answer may. */
export async function answered<Answer>(what: string, promise: Promise<Answer>): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: no answer within ${answerMs} ms`)), answerMs);
  });
  try {
    return await Promise.race([promise, patience]);
  } finally {
    clearTimeout(timer);
  }
}
