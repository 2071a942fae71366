/** A bounded queue that forgets its oldest items, never the newest. */

/** At most `limits.items` items and `limits.bytes` bytes; the size of an item is whatever `push` is told. */
export class Ring<Item> {
  readonly #limits: { items: number; bytes: number };
  readonly #items: (Item | undefined)[] = [];
  readonly #sizes: number[] = [];
  #first = 0;
  #count = 0;
  #bytes = 0;

  constructor(limits: { items: number; bytes: number }) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Adds an item; answers how many old ones had to go for it. One that is larger than the whole ring goes itself. */
  push(item: Item, bytes: number): number {
    if (bytes > this.#limits.bytes) return 1;
    let dropped = 0;
    while (this.#count >= this.#limits.items || this.#bytes + bytes > this.#limits.bytes) {
      this.shift();
      dropped += 1;
    }
    const at = (this.#first + this.#count) % this.#limits.items;
    this.#items[at] = item;
    this.#sizes[at] = bytes;
    this.#count += 1;
    this.#bytes += bytes;
    return dropped;
  }

  /** Bytes of the oldest item; 0 where there is none. */
  get nextBytes(): number {
    return this.#count === 0 ? 0 : this.#sizes[this.#first]!;
  }

  /** Takes the oldest item. */
  shift(): Item | undefined {
    if (this.#count === 0) return undefined;
    const item = this.#items[this.#first];
    this.#items[this.#first] = undefined;
    this.#bytes -= this.#sizes[this.#first]!;
    this.#first = (this.#first + 1) % this.#limits.items;
    this.#count -= 1;
    return item;
  }
}
