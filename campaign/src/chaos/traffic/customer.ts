/** What all the campaign's customers are made of: an account, calls that are counted, and a rhythm with chance in it. */
import { createShopper, type Answer, type Shopper } from '../../shopper.ts';
import type { Chance } from '../../simulation/chance.ts';
import type { Tally } from './tally.ts';

/** Until it aborts, customers act; then they finish what they have begun. */
export interface Acting {
  signal: AbortSignal;
  chance: Chance;
  tally: Tally;
}

/** Waits so many milliseconds, less if `signal` aborts. */
export function rest(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done);
  });
}

type Call = Parameters<Shopper['call']>;

/** One request, counted; null where nobody answered: in a mesh that is being broken that is no surprise. */
export async function attempt(shopper: Shopper, tally: Tally, ...call: Call): Promise<Answer | null> {
  try {
    const answer = await shopper.call(...call);
    tally.answered(answer.status);
    return answer;
  } catch {
    tally.answered(null);
    return null;
  }
}

/**
 * The same request again until it is answered with something that is no matter of the moment (no 5xx, 409 or 429); null when
 * `patienceMs` is over first.
 */
export async function insist(
  shopper: Shopper,
  { tally, chance }: Pick<Acting, 'tally' | 'chance'>,
  patienceMs: number,
  ...call: Call
): Promise<Answer | null> {
  const deadline = Date.now() + patienceMs;
  const never = new AbortController().signal;
  for (;;) {
    const answer = await attempt(shopper, tally, ...call);
    if (answer !== null && answer.status < 500 && answer.status !== 409 && answer.status !== 429) return answer;
    if (Date.now() > deadline) return null;
    await rest(chance.between(100, 400), never);
  }
}

/** Registers an account of its own at identity and signs it in. Throws where that fails: the mesh is whole by then. */
export async function newCustomer(urls: { bffUrl: string; identityUrl: string }, name: string): Promise<Shopper> {
  const account = { email: `${name}@campaign.test`, password: `campaign-${name}` };
  const answer = await fetch(`${urls.identityUrl}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(account),
    signal: AbortSignal.timeout(10_000),
  });
  if (answer.status !== 201)
    throw new Error(`identity answered ${answer.status} to a new account: ${await answer.text()}`);
  return createShopper({ ...urls, ...account });
}
