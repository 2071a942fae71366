/**
 * What every service knows of revoked tokens: a list in memory, kept up to date by asking identity all the time.
 *
 * Checking a token costs two look-ups and no round trip. Asking waits at identity for up to a second, so news arrives
 * within milliseconds, and an answer without news is a proof that there was none. When identity cannot be asked the
 * view ages; a service whose view is older than five seconds cannot know whether its caller was signed out, and refuses
 * writes (guarantee 7).
 */
import { get as getHttp, Agent as HttpAgent } from 'node:http';
import { get as getHttps, Agent as HttpsAgent } from 'node:https';
import { Revocations } from '@ballast/contracts';
import { defect } from '@ballast/faults';
import { Compile } from 'typebox/compile';
import { ProblemError } from './problem.ts';

/** Whose tokens are looked up. */
export interface TokenOwner {
  /** The token's id (`jti`). */
  tokenId: string;
  /** The session it belongs to (`sid`), where it has one. */
  sessionId: string | null;
}

export interface RevocationView {
  isRevoked(owner: TokenOwner): boolean;
  /** Milliseconds since identity was last heard; Infinity before the first time. */
  age(): number;
  /** Calls `end` once if the token is revoked from now on; the function it returns stops that. For open connections. */
  onRevoked(owner: TokenOwner, end: () => void): () => void;
  /** Begins asking. Resolves when the list is there, or after `patienceMs`: by then writes are refused, not delayed. */
  start(patienceMs?: number): Promise<void>;
  stop(): void;
}

/** Asks for what was revoked after `cursor` (undefined: everything that still matters); with `wait` it takes its time. */
export type RevocationSource = (cursor: string | undefined, wait: boolean, signal: AbortSignal) => Promise<Revocations>;

/** From this age on, in ms, a view says nothing about whether a token was revoked. */
export const staleAfterMs = 5_000;

/** Throws a 503 for a write whose caller may have been signed out without this service knowing. */
export function refuseUnknowing(view: RevocationView, method: string): void {
  if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS') return;
  if (view.age() <= staleAfterMs || defect('service.trust-stale-view')) return;
  throw new ProblemError('unavailable', 'Whether you are still signed in cannot be checked at this moment.', {
    cause: new Error(`the list of revoked tokens is ${Math.round(view.age() / 1000)} s old`),
  });
}

/** A view fed by `source`; `onError` is told each time it could not be asked. */
export function createRevocationView(options: {
  source: RevocationSource;
  onError?: (error: unknown) => void;
}): RevocationView {
  const { source, onError = () => {} } = options;
  const revoked = new Map<string, number>();
  const watchers = new Map<string, Set<() => void>>();
  const stopping = new AbortController();
  let heardAt = Number.NEGATIVE_INFINITY;
  let cursor: string | undefined;

  const take = ({ items }: Revocations): void => {
    for (const { id, until } of items) {
      revoked.set(id, until);
      const ends = watchers.get(id);
      watchers.delete(id);
      for (const end of ends ?? []) end();
    }
  };
  const forget = (): void => {
    const now = Date.now() / 1000;
    for (const [id, until] of revoked) if (until < now) revoked.delete(id);
  };

  /** One question; what was revoked until the moment it was asked is known once it is answered without more. */
  const ask = async (wait: boolean): Promise<boolean> => {
    const asked = performance.now();
    const answer = await source(cursor, wait, stopping.signal);
    take(answer);
    cursor = answer.cursor;
    // An answer may have been under way for longer than identity waited: then it is as old as that.
    if (!answer.more) heardAt = wait ? Math.min(performance.now(), asked + identityWaitsMs) : asked;
    // Without news, and without having waited: identity is on its way out. Asking on and on would only load it.
    if (wait && answer.items.length === 0 && performance.now() - asked < 100) await rest(200, stopping.signal);
    return answer.more;
  };

  const follow = async (loaded: () => void): Promise<void> => {
    let failures = 0;
    let forgetAt = performance.now() + forgetEveryMs;
    while (!stopping.signal.aborted) {
      try {
        while (await ask(heardAt > 0 && failures === 0)) continue;
        failures = 0;
        loaded();
      } catch (error) {
        if (stopping.signal.aborted) return;
        failures += 1;
        onError(error);
        await rest(Math.min(1_000, 50 * 2 ** Math.min(failures, 5)) * (0.5 + Math.random() / 2), stopping.signal);
      }
      if (performance.now() > forgetAt) {
        forget();
        forgetAt = performance.now() + forgetEveryMs;
      }
    }
  };

  const watch = (id: string, end: () => void): void => {
    const known = watchers.get(id);
    if (known === undefined) watchers.set(id, new Set([end]));
    else known.add(end);
  };
  const unwatch = (id: string, end: () => void): void => {
    const known = watchers.get(id);
    known?.delete(end);
    if (known?.size === 0) watchers.delete(id);
  };
  const isRevoked: RevocationView['isRevoked'] = ({ tokenId, sessionId }) =>
    revoked.size > 0 &&
    (revoked.has(tokenId) || (sessionId !== null && revoked.has(sessionId))) &&
    !defect('service.ignore-revocations');

  return {
    isRevoked,
    age: () => performance.now() - heardAt,
    onRevoked: (owner, end) => {
      if (isRevoked(owner)) {
        end();
        return () => {};
      }
      const ids = owner.sessionId === null ? [owner.tokenId] : [owner.tokenId, owner.sessionId];
      let told = false;
      const once = (): void => {
        if (told) return;
        told = true;
        end();
      };
      for (const id of ids) watch(id, once);
      return () => {
        for (const id of ids) unwatch(id, once);
      };
    },
    start: (patienceMs = 1_000) =>
      new Promise<void>((resolve) => {
        const patience = setTimeout(resolve, patienceMs);
        void follow(() => {
          clearTimeout(patience);
          resolve();
        });
      }),
    stop: () => stopping.abort(),
  };
}

const forgetEveryMs = 60_000;
/** How long identity waits for news before it says that there is none, in ms. */
const identityWaitsMs = 1_000;

function rest(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done);
  });
}

const answerCheck = Compile(Revocations);
/** Identity waits a second; what has not come by then, in ms, will not. */
const askTimeoutMs = 2_500;
const answerLimitBytes = 1024 * 1024;

/** Asks the identity service at `issuer` over one connection that is kept. */
export function identityRevocations(issuer: string): RevocationSource {
  const secure = issuer.startsWith('https:');
  const agent = secure ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  const get = secure ? getHttps : getHttp;
  return async (cursor, wait, signal) => {
    const url = new URL(`${issuer}/revocations`);
    if (cursor !== undefined) url.searchParams.set('after', cursor);
    if (wait) url.searchParams.set('wait', '1');
    const limit = AbortSignal.any([signal, AbortSignal.timeout(askTimeoutMs)]);
    const text = await new Promise<string>((resolve, reject) => {
      const request = get(url, { agent, signal: limit }, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (piece: string) => {
          body += piece;
          if (body.length > answerLimitBytes) response.destroy(new Error('the list of revoked tokens is too long'));
        });
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode === 200) resolve(body);
          else reject(new Error(`identity answered ${response.statusCode} to a question for revoked tokens`));
        });
      });
      request.on('error', reject);
    });
    const answer: unknown = JSON.parse(text);
    if (!answerCheck.Check(answer)) throw new Error('identity answered something that is no list of revoked tokens');
    return answer;
  };
}
