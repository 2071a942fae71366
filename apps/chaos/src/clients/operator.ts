/** The controller's own session: it breaks and mends with an operator's token, which it keeps fresh. */
import { TokenPair } from '@ballast/contracts';
import type { Report } from '@ballast/service';
import { Compile } from 'typebox/compile';
import { bodyOf, reasonOf, type Asker } from './http.ts';

const tokensCheck = Compile(TokenPair);

export interface Session {
  /** `Bearer …`; null before the first sign-in. While identity is away the old one is kept for as long as it is good. */
  authorization(): string | null;
  /** Called where the token was refused: another one is fetched at once. */
  refused(): void;
  /** Begins to sign in; resolves when it has worked once, or after `patienceMs`. */
  start(patienceMs?: number): Promise<void>;
  stop(): void;
}

const askTimeoutMs = 5_000;
const renewAtShare = 0.6;
const shortestRestMs = 250;
const longestRestMs = 2_000;
const refusedRestMs = 1_000;

/** Signs in at identity as `account` and again well before the token ends. */
export function createSession(parts: {
  asker: Asker;
  identityUrl: string;
  account: { email: string; password: string };
  report: Report;
}): Session {
  const { asker, identityUrl, account, report } = parts;
  let token: { value: string; until: number } | null = null;
  let timer: NodeJS.Timeout | undefined;
  let failures = 0;
  let stopped = false;
  let asking = false;
  let signedInAt = Number.NEGATIVE_INFINITY;
  let signedIn = (): void => {};

  const signIn = async (): Promise<number> => {
    const answer = await asker.ask({
      method: 'POST',
      url: `${identityUrl}/login`,
      body: account,
      timeoutMs: askTimeoutMs,
    });
    if (answer.status !== 200) throw new Error(`identity answered ${reasonOf(answer)}`);
    const { accessToken, expiresIn } = bodyOf('identity', answer, tokensCheck);
    token = { value: `Bearer ${accessToken}`, until: Date.now() + expiresIn * 1_000 };
    return expiresIn * 1_000 * renewAtShare;
  };
  const turn = async (): Promise<void> => {
    clearTimeout(timer);
    if (asking || stopped) return;
    asking = true;
    let restMs: number;
    try {
      restMs = await signIn();
      failures = 0;
      signedInAt = performance.now();
      signedIn();
    } catch (error) {
      failures += 1;
      report('identity does not let the controller sign in', error);
      restMs = Math.min(longestRestMs, shortestRestMs * 2 ** Math.min(failures - 1, 4));
    }
    asking = false;
    if (!stopped) timer = setTimeout(() => void turn(), restMs);
  };

  return {
    authorization: () => (token !== null && token.until > Date.now() ? token.value : null),
    // One that has just been fetched will not get better by fetching it again.
    refused: () => {
      if (performance.now() - signedInAt > refusedRestMs) void turn();
    },
    start: (patienceMs = 2_000) =>
      new Promise((resolve) => {
        const patience = setTimeout(resolve, patienceMs);
        signedIn = () => {
          clearTimeout(patience);
          resolve();
        };
        void turn();
      }),
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      signedIn();
    },
  };
}
