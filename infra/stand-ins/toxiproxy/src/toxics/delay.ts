/** The toxics that hold bytes for a while: latency, bandwidth and slicer differ only in when what is due. */
import { Stage, type Attributes } from '../stage.ts';

type Held = { chunk: Buffer; arrived: number; due: number };

/** Timers are whole milliseconds; what is due within this many goes along. */
const grain = 0.5;
/** The longest a timer can be. */
const longest = 2_147_483_647;

/** Passes each piece on when it is due, never before one that came earlier. Times are milliseconds. */
export abstract class DelayStage extends Stage {
  #queue: Held[] = [];
  #head = 0;
  /** Set between the end of what comes in and that of what goes out. */
  #ending: { closing: boolean } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  /** When the piece enqueued last is due. */
  protected lastDue = Number.NEGATIVE_INFINITY;
  /** True where pieces that are due together must still leave one by one. */
  protected readonly apart: boolean = false;

  /** Decides when the chunk, or each piece of it, is due, by {@link enqueue}. `arrived` lies in the past when a toxic was changed. */
  protected abstract schedule(chunk: Buffer, arrived: number): void;

  protected enqueue(chunk: Buffer, arrived: number, due: number): void {
    this.lastDue = due;
    this.#queue.push({ chunk, arrived, due });
  }

  push(chunk: Buffer): void {
    this.host.hold(chunk.length);
    this.schedule(chunk, performance.now());
    this.#pump();
  }

  end(closing: boolean): void {
    this.#ending = { closing };
    if (this.#isEmpty()) this.#passEnd();
  }

  override update(attributes: Attributes): void {
    super.update(attributes);
    const held = this.#takeAll();
    this.lastDue = Number.NEGATIVE_INFINITY;
    for (const { chunk, arrived } of held) this.schedule(chunk, arrived);
    this.#pump();
  }

  release(): void {
    for (const { chunk } of this.#takeAll()) {
      this.host.hold(-chunk.length);
      this.next.push(chunk);
    }
    this.#passEnd();
  }

  override dispose(): void {
    this.#stopTimers();
    this.#queue = [];
    this.#head = 0;
  }

  #pump(): void {
    if (this.#timer !== undefined || this.#immediate !== undefined) return;
    for (;;) {
      const held = this.#queue[this.#head];
      if (held === undefined) break;
      const wait = held.due - performance.now();
      if (wait > grain) {
        this.#wake(wait);
        return;
      }
      this.#head += 1;
      this.host.hold(-held.chunk.length);
      this.next.push(held.chunk);
      if (this.apart && !this.#isEmpty()) {
        this.#immediate = setImmediate(() => {
          this.#immediate = undefined;
          this.#pump();
        });
        return;
      }
    }
    this.#queue = [];
    this.#head = 0;
    this.#passEnd();
  }

  #wake(wait: number): void {
    // A piece that is never due waits for a change of the toxic.
    if (wait === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#pump();
      },
      Math.min(wait, longest),
    );
  }

  #passEnd(): void {
    const ending = this.#ending;
    this.#ending = undefined;
    if (ending !== undefined) this.next.end(ending.closing);
  }

  #takeAll(): Held[] {
    this.#stopTimers();
    const held = this.#queue.slice(this.#head);
    this.#queue = [];
    this.#head = 0;
    return held;
  }

  #isEmpty(): boolean {
    return this.#head >= this.#queue.length;
  }

  #stopTimers(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#timer = undefined;
    this.#immediate = undefined;
  }
}
