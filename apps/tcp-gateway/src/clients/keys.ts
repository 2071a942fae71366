/**
 * Identity's public keys: fetched at the start, kept for as long as identity is away, and fetched again now and then and
 * for a key id that is not known. Anybody can send an unknown key id, so identity is asked at most once in a while,
 * whoever asks and however often.
 */
import { declareFailPoints, failPoint } from '@ballast/faults';
import type { VerificationKey } from '../domain/device-token.ts';

declareFailPoints({ 'gateway.before-keys': 'identity is about to be asked for its keys' });

/** Thrown where there are no keys at all yet. */
export class NoKeys extends Error {
  constructor() {
    super('the issuer’s keys have never been had');
    this.name = 'NoKeys';
  }
}

export interface KeyStore {
  /** The key with this id, or null; an unknown id may cost a question to identity. Rejects with `NoKeys` only. */
  find(kid: string): Promise<VerificationKey | null>;
  /** Whether there are any. */
  ready(): boolean;
  /** Fetches them now and every few minutes. Resolves after the first try, well or not. */
  start(): Promise<void>;
  stop(): void;
}

/** Between two questions, in ms. */
const cooldownMs = 5_000;
/** Until the first answer there is nothing to protect devices from waiting for, so identity is asked sooner again, in ms. */
const eagerMs = 500;
/** A key that was withdrawn is believed for so long at most, in ms. */
const refreshMs = 300_000;

/** `fetch` asks the issuer and rejects when it cannot; `onError` is told each time. Times are in ms of `now`. */
export function createKeyStore(options: {
  fetch: () => Promise<readonly VerificationKey[]>;
  onError: (error: unknown) => void;
  now?: () => number;
}): KeyStore {
  const now = options.now ?? (() => performance.now());
  let keys: ReadonlyMap<string, VerificationKey> | undefined;
  let asking: Promise<void> | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const ask = async (): Promise<void> => {
    try {
      await failPoint('gateway.before-keys');
      const found = await options.fetch();
      // An issuer without keys would lock every device out: a mistake, be it in whatever it means.
      if (found.length === 0) throw new Error('the issuer has no key that device tokens could be signed with');
      keys = new Map(found.map((key) => [key.kid, key]));
    } catch (error) {
      options.onError(error);
    }
  };
  /** One question at a time; those who come meanwhile wait for the same answer. */
  const refresh = (): Promise<void> => {
    if (asking !== undefined) return asking;
    askedAt = now();
    asking = ask().finally(() => {
      asking = undefined;
    });
    return asking;
  };
  const plan = (): void => {
    if (stopped) return;
    timer = setTimeout(() => void refresh().then(plan), keys === undefined ? eagerMs : refreshMs).unref();
  };

  return {
    find: async (kid) => {
      const known = keys?.get(kid);
      if (known !== undefined) return known;
      if (asking !== undefined) await asking;
      else if (now() - askedAt >= (keys === undefined ? eagerMs : cooldownMs)) await refresh();
      if (keys === undefined) throw new NoKeys();
      return keys.get(kid) ?? null;
    },
    ready: () => keys !== undefined,
    start: async () => {
      await refresh();
      plan();
    },
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
