/** Sessions remembered for a moment, so that a page's dozen requests read the row once. */

/** How long a session is believed without looking, in ms; also how late another replica's sign-out is seen. */
const freshMs = 1_000;
/** How long a sign-out is remembered, in ms: longer than any look-up that began before it. */
const endedMs = 10_000;
const maxEntries = 10_000;

interface Entry<Value> {
  value: Promise<Value | null>;
  until: number;
  ended: boolean;
}

export class SessionCache<Value> {
  readonly #entries = new Map<string, Entry<Value>>();

  /** The remembered value, else what `load` finds; requests that come meanwhile share one `load`. */
  get(id: string, load: () => Promise<Value | null>): Promise<Value | null> {
    const known = this.#entries.get(id);
    if (known !== undefined && known.until > Date.now()) return known.value;
    const entry = { value: load(), until: Date.now() + freshMs, ended: false };
    this.#put(id, entry);
    const forget = (): void => {
      if (this.#entries.get(id) === entry) this.#entries.delete(id);
    };
    // Neither failures nor absences are remembered. The failure itself is the caller's.
    entry.value.then((value) => (value === null ? forget() : undefined), forget);
    return entry.value;
  }

  /** Puts a newer value in, unless the session has ended. */
  set(id: string, value: Value): void {
    const known = this.#entries.get(id);
    if (known?.ended === true && known.until > Date.now()) return;
    this.#put(id, { value: Promise.resolve(value), until: Date.now() + freshMs, ended: false });
  }

  /** From now on there is nothing under this id, whatever is still being loaded. */
  end(id: string): void {
    this.#put(id, { value: Promise.resolve(null), until: Date.now() + endedMs, ended: true });
  }

  #put(id: string, entry: Entry<Value>): void {
    this.#entries.delete(id);
    this.#entries.set(id, entry);
    if (this.#entries.size <= maxEntries) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }
}
