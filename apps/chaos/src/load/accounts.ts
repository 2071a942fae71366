/**
 * Customers of the load: as many as it takes for none of them to come near the rate limit, which is per session. Orders go
 * with a bearer token, as a service client's do; reads of products go with a session cookie, because the bff counts those by
 * cookie.
 */
import { Session as SessionAnswer } from '@ballast/contracts';
import type { Report } from '@ballast/service';
import { Compile } from 'typebox/compile';
import { bodyOf, reasonOf, type Answer, type Asker } from '../clients/http.ts';
import { createSession, type Session } from '../clients/operator.ts';

export interface Account {
  /** `Bearer …`, or null while it has not signed in. */
  authorization(): string | null;
  /** The `Cookie` header of a signed-in session; null while there is none. */
  cookie(): string | null;
  refused(): void;
}

export interface Accounts {
  /** At least so many accounts from now on; they sign in by themselves. */
  want(count: number): void;
  /** The next in turn that is signed in; null where none is. */
  next(): Account | null;
  /** The same for one with a cookie. */
  nextReader(): Account | null;
  stop(): void;
}

/** Requests a second that one session makes at most; the bff's buckets refill with a hundred. */
export const perSession = 50;
const mostAccounts = 24;
const timeoutMs = 6_000;
const againMs = 1_000;
const sessionCheck = Compile(SessionAnswer);

export function createAccounts(parts: { asker: Asker; identityUrl: string; bffUrl: string; report: Report }): Accounts {
  const { asker, identityUrl, bffUrl, report } = parts;
  const accounts: (Account & { session: Session })[] = [];
  let turn = 0;
  let stopped = false;
  const timers = new Set<NodeJS.Timeout>();

  const add = (number: number): void => {
    const account = { email: `load-${number}@ballast.test`, password: `ballast-load-${number}` };
    const session = createSession({ asker, identityUrl, account, report });
    let cookie: string | null = null;
    accounts.push({
      session,
      authorization: () => session.authorization(),
      cookie: () => cookie,
      refused: () => session.refused(),
    });
    const begin = async (): Promise<void> => {
      try {
        await register(asker, identityUrl, account);
        await session.start(0);
        cookie = await signIn(asker, bffUrl, account);
      } catch (error) {
        report('an account of the load cannot sign in yet', error);
        if (stopped) return;
        const timer = setTimeout(() => {
          timers.delete(timer);
          void begin();
        }, againMs);
        timers.add(timer);
      }
    };
    void begin();
  };
  const choose = (good: (account: Account) => boolean): Account | null => {
    for (let step = 0; step < accounts.length; step += 1) {
      turn = (turn + 1) % accounts.length;
      const account = accounts[turn]!;
      if (good(account)) return account;
    }
    return null;
  };

  return {
    want: (count) => {
      while (accounts.length < Math.min(count, mostAccounts)) add(accounts.length + 1);
    },
    next: () => choose((account) => account.authorization() !== null),
    nextReader: () => choose((account) => account.cookie() !== null),
    stop: () => {
      stopped = true;
      for (const { session } of accounts) session.stop();
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

async function register(
  asker: Asker,
  identityUrl: string,
  account: { email: string; password: string },
): Promise<void> {
  const answer = await asker.ask({ method: 'POST', url: `${identityUrl}/register`, body: account, timeoutMs });
  // 409: an earlier run has made it.
  if (answer.status !== 201 && answer.status !== 409) throw new Error(`identity answered ${reasonOf(answer)}`);
}

/** Signs in at the bff as a page does; resolves to the cookie. */
async function signIn(asker: Asker, bffUrl: string, account: { email: string; password: string }): Promise<string> {
  const visit = await asker.ask({ url: `${bffUrl}/api/session`, timeoutMs });
  const { csrfToken } = bodyOf('the bff', visit, sessionCheck);
  const answer = await asker.ask({
    method: 'POST',
    url: `${bffUrl}/api/auth/login`,
    headers: { cookie: cookieOf(visit) ?? '', 'x-csrf-token': csrfToken },
    body: account,
    timeoutMs,
  });
  const cookie = cookieOf(answer);
  if (answer.status !== 200 || cookie === null) throw new Error(`the bff answered ${reasonOf(answer)}`);
  return cookie;
}

function cookieOf({ headers }: Answer): string | null {
  const given = headers['set-cookie'];
  const lines = given === undefined ? [] : Array.isArray(given) ? given : [given];
  return lines.map((line) => line.split(';')[0]!).at(-1) ?? null;
}
