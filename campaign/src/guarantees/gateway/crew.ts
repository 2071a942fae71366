/**
 * Many devices that do the same: they come in, ping, send telemetry, and go. In this process, or in one of their own: then
 * neither their work nor their sockets are this process's.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { authLine, Device } from './device.ts';

/** What the devices of a crew have seen so far. */
export interface CrewTally {
  /** Devices whose first line went out. */
  firstLines: number;
  accepted: number;
  /** Those that were not let in, by what they were told; `gone` where they were told nothing. */
  refused: Record<string, number>;
  open: number;
  /** Sessions that ended without the device having hung up, by what it was told. */
  ended: Record<string, number>;
  sent: number;
  acknowledged: number;
  /** The longest the crew's own clock stood still, in ms: so late its devices' pings were. */
  heldUpMs: number;
}

export interface Crew {
  /** A device for each token, `atOnce` of them coming at a time. Resolves when each was told something, or is gone. */
  join(tokens: readonly string[], atOnce: number): Promise<void>;
  /** From now on each device pings so often, in ms; 0: no more. */
  pingEvery(milliseconds: number): Promise<void>;
  /** From now on all of them together send so many frames of telemetry a second; 0: no more. */
  sendPerSecond(frames: number): Promise<void>;
  /** How long pings have taken since this was asked last, in ms. */
  takePings(): Promise<number[]>;
  /** Resolves when what was sent is acknowledged, at all devices that are open. */
  acknowledgement(): Promise<void>;
  tally(): Promise<CrewTally>;
  /** All hang up. */
  leave(): Promise<void>;
}

const tickMs = 50;

export class LocalCrew implements Crew {
  readonly #port: number;
  readonly #devices: Device[] = [];
  readonly #timer: NodeJS.Timeout;
  readonly #refused: Record<string, number> = {};
  readonly #ended: Record<string, number> = {};
  #pings: number[] = [];
  #accepted = 0;
  #pingEveryMs = 0;
  #framesPerSecond = 0;
  #duePings = 0;
  #dueFrames = 0;
  #nextPing = 0;
  #nextFrame = 0;
  #lastTick = performance.now();
  #heldUpMs = 0;

  constructor(port: number) {
    this.#port = port;
    this.#timer = setInterval(() => this.#tick(), tickMs);
  }

  async join(tokens: readonly string[], atOnce: number): Promise<void> {
    let next = 0;
    const come = async (): Promise<void> => {
      while (next < tokens.length) {
        const device = new Device(this.#port, authLine(tokens[next++]!));
        this.#devices.push(device);
        const outcome = await device.outcome;
        if (outcome === 'accepted') {
          this.#accepted += 1;
          void device.over.then((reason) => {
            if (reason !== 'left') this.#ended[reason] = (this.#ended[reason] ?? 0) + 1;
          });
        } else this.#refused[outcome] = (this.#refused[outcome] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: Math.min(atOnce, tokens.length) }, come));
  }

  async pingEvery(milliseconds: number): Promise<void> {
    this.#pingEveryMs = milliseconds;
    this.#heldUpMs = 0;
    this.#lastTick = performance.now();
  }

  async sendPerSecond(frames: number): Promise<void> {
    this.#framesPerSecond = frames;
  }

  async takePings(): Promise<number[]> {
    const taken = this.#pings;
    this.#pings = [];
    return taken;
  }

  async acknowledgement(): Promise<void> {
    await Promise.all(this.#devices.map((device) => device.acknowledgement()));
  }

  async tally(): Promise<CrewTally> {
    const sum = (of: (device: Device) => number): number =>
      this.#devices.reduce((total, device) => total + of(device), 0);
    return {
      firstLines: sum(({ hasSpoken }) => Number(hasSpoken)),
      accepted: this.#accepted,
      refused: { ...this.#refused },
      open: sum(({ isOpen }) => Number(isOpen)),
      ended: { ...this.#ended },
      sent: sum(({ sent }) => sent),
      acknowledged: sum(({ acknowledged }) => acknowledged),
      heldUpMs: Math.round(this.#heldUpMs),
    };
  }

  async leave(): Promise<void> {
    clearInterval(this.#timer);
    for (const device of this.#devices) device.leave();
    await Promise.all(this.#devices.map(({ over }) => over));
  }

  /** Whatever is due by now, evenly spread over the devices. */
  #tick(): void {
    const now = performance.now();
    const elapsed = now - this.#lastTick;
    this.#lastTick = now;
    this.#heldUpMs = Math.max(this.#heldUpMs, elapsed - tickMs);
    const count = this.#devices.length;
    if (count === 0) return;
    if (this.#pingEveryMs > 0) {
      this.#duePings = Math.min(count, this.#duePings + (count * elapsed) / this.#pingEveryMs);
      for (; this.#duePings >= 1; this.#duePings -= 1) {
        void this.#devices[this.#nextPing++ % count]!.ping().then((milliseconds) => {
          if (!Number.isNaN(milliseconds)) this.#pings.push(milliseconds);
        });
      }
    }
    this.#dueFrames += (this.#framesPerSecond * elapsed) / 1_000;
    for (; this.#dueFrames >= 1; this.#dueFrames -= 1) this.#devices[this.#nextFrame++ % count]!.send(1);
  }
}

/** What goes to a crew's own process, and what comes back. */
export interface CrewCall {
  id: number;
  method: keyof Crew;
  parameters: unknown[];
}
export type CrewAnswer = { id: number; result: unknown } | { id: number; error: string };

/** A crew at the gateway on `port`; `apart`: in a process of its own. `close` ends that. */
export async function startCrew(port: number, apart: boolean): Promise<Crew & { close: () => Promise<void> }> {
  if (!apart) {
    const crew = new LocalCrew(port);
    return Object.assign(crew, { close: () => crew.leave() });
  }
  const child = fork(new URL('./crew-process.ts', import.meta.url), [String(port)]);
  const waiting = new Map<number, (answer: CrewAnswer) => void>();
  let calls = 0;
  let gone = false;
  child.on('message', (answer: CrewAnswer) => waiting.get(answer.id)?.(answer));
  const ended = once(child, 'exit').then(() => {
    gone = true;
    for (const [id, settle] of waiting) settle({ id, error: 'the crew’s process has ended' });
  });
  const call = async (method: keyof Crew, ...parameters: unknown[]): Promise<unknown> => {
    if (gone) throw new Error('the crew’s process has ended');
    const id = (calls += 1);
    const { promise, resolve } = Promise.withResolvers<CrewAnswer>();
    waiting.set(id, resolve);
    child.send({ id, method, parameters } satisfies CrewCall);
    const answer = await promise;
    waiting.delete(id);
    if ('error' in answer) throw new Error(answer.error);
    return answer.result;
  };
  return {
    join: async (...parameters) => void (await call('join', ...parameters)),
    pingEvery: async (...parameters) => void (await call('pingEvery', ...parameters)),
    sendPerSecond: async (...parameters) => void (await call('sendPerSecond', ...parameters)),
    takePings: async () => (await call('takePings')) as number[],
    acknowledgement: async () => void (await call('acknowledgement')),
    tally: async () => (await call('tally')) as CrewTally,
    leave: async () => void (await call('leave')),
    close: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Several crews' tallies as one. */
export function together(tallies: readonly CrewTally[]): CrewTally {
  const sum = (of: (tally: CrewTally) => number): number => tallies.reduce((total, tally) => total + of(tally), 0);
  const merge = (of: (tally: CrewTally) => Record<string, number>): Record<string, number> => {
    const merged: Record<string, number> = {};
    for (const [reason, count] of tallies.flatMap((tally) => Object.entries(of(tally))))
      merged[reason] = (merged[reason] ?? 0) + count;
    return merged;
  };
  return {
    firstLines: sum(({ firstLines }) => firstLines),
    accepted: sum(({ accepted }) => accepted),
    refused: merge(({ refused }) => refused),
    open: sum(({ open }) => open),
    ended: merge(({ ended }) => ended),
    sent: sum(({ sent }) => sent),
    acknowledged: sum(({ acknowledged }) => acknowledged),
    heldUpMs: Math.max(...tallies.map(({ heldUpMs }) => heldUpMs)),
  };
}
