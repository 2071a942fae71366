/**
 * Lines out of bytes that come in any pieces. What a connection can make this keep is one line and the piece that came
 * last: pieces are copied into one buffer that doubles, so that a line sent byte by byte costs no more than one sent whole,
 * in memory or in time.
 */

/** What `next` answers once a line has exceeded the limit; nothing can be read after it. */
export const tooLong = Symbol('too long');

const newline = 0x0a;
const carriageReturn = 0x0d;
const smallestBuffer = 256;
const nothing = Buffer.alloc(0);

/** Reads lines of one connection; `limit` is in bytes, the end of the line included. */
export class LineReader {
  readonly #limit: number;
  /** The piece that is being read, from `#at` on. */
  #piece: Buffer = nothing;
  #at = 0;
  /** The beginning of a line whose end has not come, `#length` bytes of it. */
  #begun: Buffer = nothing;
  #length = 0;
  #broken = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes what was received. It is read by `next`, and must not be changed before that. */
  push(piece: Buffer): void {
    if (this.#broken) return;
    // Whoever pauses its socket gets here at most once with a piece unread.
    this.#piece = this.#at < this.#piece.length ? Buffer.concat([this.#piece.subarray(this.#at), piece]) : piece;
    this.#at = 0;
  }

  /** The next whole line without its end (LF or CRLF), valid until the next call; undefined: it has not come yet. */
  next(): Buffer | typeof tooLong | undefined {
    if (this.#broken) return tooLong;
    const piece = this.#piece;
    if (this.#at >= piece.length) return undefined;
    // One byte more than may come: a line's end beyond it makes no difference.
    const room = this.#limit - this.#length;
    const end = piece.indexOf(newline, this.#at);
    const size = (end === -1 ? piece.length : end + 1) - this.#at;
    if (size > room || (end === -1 && size === room)) return this.#breakOff();
    const part = piece.subarray(this.#at, this.#at + size);
    this.#at += size;
    if (this.#at === piece.length) this.#piece = nothing;
    if (this.#piece === nothing) this.#at = 0;
    if (end === -1) {
      this.#keep(part);
      return undefined;
    }
    if (this.#length === 0) return withoutEnd(part);
    this.#keep(part);
    const line = withoutEnd(this.#begun.subarray(0, this.#length));
    // Not kept for the next one: an idle connection holds nothing.
    this.#begun = nothing;
    this.#length = 0;
    return line;
  }

  /** Bytes held now. */
  get held(): number {
    return this.#begun.length + this.#piece.length;
  }

  #keep(part: Buffer): void {
    const needed = this.#length + part.length;
    if (needed > this.#begun.length) {
      const larger = Buffer.allocUnsafeSlow(
        Math.min(this.#limit, Math.max(needed, this.#begun.length * 2, smallestBuffer)),
      );
      this.#begun.copy(larger, 0, 0, this.#length);
      this.#begun = larger;
    }
    part.copy(this.#begun, this.#length);
    this.#length = needed;
  }

  #breakOff(): typeof tooLong {
    this.#broken = true;
    this.#piece = nothing;
    this.#begun = nothing;
    this.#at = 0;
    this.#length = 0;
    return tooLong;
  }
}

function withoutEnd(line: Buffer): Buffer {
  const end = line.length - 1;
  return line.subarray(0, end > 0 && line[end - 1] === carriageReturn ? end - 1 : end);
}
