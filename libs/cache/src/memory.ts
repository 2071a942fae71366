/**
 * The first tier: copies in this process, and the revision below which none is accepted any more.
 *
 * An entry outlives its copy. Once a reader has seen a revision, or a writer has made one, the entry remembers it, so
 * that what Redis or a slow load brings later is not taken when it is older.
 */
import { defect } from '@ballast/faults';
import { LRUCache } from 'lru-cache';

/** Times are of `performance.now()`. */
interface Entry<Value> {
  revision: number;
  /** Undefined where only the revision is known. */
  value: Value | undefined;
  freshUntil: number;
  /** The flush after which it came. */
  epoch: number;
}

export interface Memory<Value> {
  /** Grows with each flush; a copy that was asked for before one must not be kept after it. */
  readonly epoch: number;
  /** The copy, if it may still be served. */
  peek(key: string): { revision: number; value: Value; freshUntil: number } | undefined;
  /** No copy with a lower revision than this may be served. */
  floor(key: string): number;
  /** Keeps a copy unless one with a higher revision is known, or it has come too late. */
  put(key: string, revision: number, value: Value, freshUntil: number): void;
  /** From now on only `revision` or later; `remember` also where nothing is known of the key yet. */
  raise(key: string, revision: number, remember: boolean): void;
  /** Drops the copy, keeps the revision. */
  drop(key: string): void;
  /** Drops all copies, keeps the revisions. */
  flush(): void;
}

/** Keeps what was used last, at most `maximum` entries. */
export function createMemory<Value extends {}>(maximum: number): Memory<Value> {
  const entries = new LRUCache<string, Entry<Value>>({ max: maximum });
  let epoch = 0;

  return {
    get epoch() {
      return epoch;
    },
    peek: (key) => {
      const entry = entries.get(key);
      return entry !== undefined &&
        entry.value !== undefined &&
        entry.epoch === epoch &&
        (performance.now() < entry.freshUntil || defect('cache.never-expires'))
        ? (entry as Entry<Value> & { value: Value })
        : undefined;
    },
    floor: (key) => (defect('cache.accept-older') ? 0 : (entries.peek(key)?.revision ?? 0)),
    put: (key, revision, value, freshUntil) => {
      const known = entries.get(key);
      if (known === undefined) {
        entries.set(key, { revision, value, freshUntil, epoch });
      } else if (revision >= known.revision || defect('cache.accept-older')) {
        known.revision = revision;
        known.value = value;
        known.freshUntil = freshUntil;
        known.epoch = epoch;
      }
    },
    raise: (key, revision, remember) => {
      const known = entries.peek(key);
      if (known === undefined) {
        if (remember) entries.set(key, { revision, value: undefined, freshUntil: 0, epoch });
      } else if (revision > known.revision) {
        known.revision = revision;
        known.value = undefined;
      }
    },
    drop: (key) => {
      const known = entries.peek(key);
      if (known !== undefined) known.value = undefined;
    },
    flush: () => {
      if (!defect('cache.no-flush-on-reconnect')) epoch += 1;
    },
  };
}
