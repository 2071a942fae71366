/** `latency`, `bandwidth` and `slicer`. */
import { DelayStage } from './delay.ts';

/** Each chunk arrives `latency` ± `jitter` ms later; order stays. */
export class Latency extends DelayStage {
  protected schedule(chunk: Buffer, arrived: number): void {
    const jitter = this.attribute('jitter');
    const delay = this.attribute('latency') + (Math.random() * 2 - 1) * jitter;
    this.enqueue(chunk, arrived, Math.max(this.lastDue, arrived + delay));
  }
}

/** At most `rate` KB/s (1,000 bytes), in pieces of a tenth of a second. With a rate of 0 nothing passes. */
export class Bandwidth extends DelayStage {
  protected schedule(chunk: Buffer, arrived: number): void {
    const rate = this.attribute('rate');
    if (rate === 0) {
      this.enqueue(chunk, arrived, Number.POSITIVE_INFINITY);
      return;
    }
    for (let from = 0; from < chunk.length; from += rate * 100) {
      const piece = chunk.subarray(from, from + rate * 100);
      // A byte is a thousandth of a KB, and a millisecond of a second.
      this.enqueue(piece, arrived, Math.max(this.lastDue, performance.now()) + piece.length / rate);
    }
  }
}

/** Cuts chunks into pieces of `average_size` ± `size_variation` bytes, `delay` µs apart. */
export class Slicer extends DelayStage {
  protected override readonly apart = true;

  protected schedule(chunk: Buffer, arrived: number): void {
    const delay = this.attribute('delay') / 1000;
    // Each piece, the last of a chunk as well, is followed by the delay.
    let due = Math.max(this.lastDue + delay, performance.now());
    let from = 0;
    for (const to of this.#cuts(0, chunk.length)) {
      this.enqueue(chunk.subarray(from, to), arrived, due);
      due += delay;
      from = to;
    }
  }

  /** Halves, give or take the variation, until pieces are small enough: ends of the pieces, ascending. */
  #cuts(start: number, end: number): number[] {
    const average = Math.max(1, this.attribute('average_size'));
    const variation = Math.min(this.attribute('size_variation'), average - 1);
    const length = end - start;
    if (length - average <= variation) return [end];
    const middle = start + Math.floor(length / 2) + Math.round((Math.random() * 2 - 1) * variation);
    const cut = Math.min(Math.max(middle, start + 1), end - 1);
    return [...this.#cuts(start, cut), ...this.#cuts(cut, end)];
  }
}
