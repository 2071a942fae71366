// What was answered to which idempotency key. Answers are journalled with the effect they belong to, so a
// restart replays them too; which keys are being worked on right now is known in memory only.

/** A stored answer. */
export type IdempotencyRecord = {
  kind: 'idempotency';
  /** Provider, and whatever else the provider scopes its keys by, then the caller's key. */
  key: string;
  /** Tells one request from another under the same key. */
  fingerprint: string;
  status: number;
  /** The JSON text as it was sent; empty for 204. */
  body: string;
  /** The first request's id, for Stripe's `original-request`. */
  requestId: string;
  /** Milliseconds since 1970. */
  at: number;
};

const LIFETIME_MILLISECONDS = 24 * 60 * 60 * 1000;

/** Bounded memory of answers: the newest `maximum`, for a day. */
export class IdempotencyStore {
  readonly #maximum: number;
  readonly #records = new Map<string, IdempotencyRecord>();
  readonly #busy = new Set<string>();

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /** Called by the journal and after an effect. Maps keep insertion order, so the first key is the oldest. */
  apply(record: IdempotencyRecord): void {
    this.#records.delete(record.key);
    this.#records.set(record.key, record);
    for (const [key, oldest] of this.#records) {
      const tooOld = oldest.at < record.at - LIFETIME_MILLISECONDS;
      if (this.#records.size <= this.#maximum && !tooOld) break;
      this.#records.delete(key);
    }
  }

  /** The answer stored under this key within the last day. */
  find(key: string): IdempotencyRecord | undefined {
    const record = this.#records.get(key);
    return record !== undefined && record.at > Date.now() - LIFETIME_MILLISECONDS ? record : undefined;
  }

  /** Whether a request with this key is being worked on. */
  isBusy(key: string): boolean {
    return this.#busy.has(key);
  }

  /** Marks the key as being worked on until the returned function is called. */
  begin(key: string): () => void {
    this.#busy.add(key);
    return () => {
      this.#busy.delete(key);
    };
  }
}
