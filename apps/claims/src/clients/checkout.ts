/** Asks checkout about a caller's order, with the caller's own token. Any replica will do. */
import { Money, Uuid } from '@ballast/contracts';
import { noteUpstream, outgoingTraceparent, ProblemError } from '@ballast/service';
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';

/** What claims reads of an order; there is more in checkout's answer. */
const OrderFacts = Type.Object({ orderId: Uuid, state: Type.String(), total: Money });
export type OrderFacts = Static<typeof OrderFacts>;
const OrderFactsPage = Type.Object({
  items: Type.Array(OrderFacts),
  nextCursor: Type.Union([Type.String(), Type.Null()]),
});

/** Who asks. Operators are shown everybody's orders one by one, and must not be taken for their owners. */
export interface OrderCaller {
  token: string;
  isOperator: boolean;
}

export interface CheckoutClient {
  /** The caller's own order; null when there is none with this id. 503 within a second when checkout is away. */
  findOwn(orderId: string, caller: OrderCaller): Promise<OrderFacts | null>;
}

/** Says whether an answer is what it should be. */
interface Check<Answer> {
  Check(value: unknown): value is Answer;
}

const factsCheck = Compile(OrderFacts);
const pageCheck = Compile(OrderFactsPage);
/** For one attempt, in ms: a replica that is stopped in the middle leaves time for another one. */
const attemptTimeoutMs = 400;
/** For everything together, in ms; whoever waits is then told to come back. */
const totalTimeoutMs = 850;
const restMs = 50;
/** Of an operator's own orders the newest thousand are looked through. */
const pagesOfOwnOrders = 10;
const pageSize = 100;

/** A client for the replicas at `urls`; it starts with another one each time and goes on to the next on failure. */
export function createCheckoutClient(urls: readonly string[]): CheckoutClient {
  let turn = 0;

  /** One attempt at one replica; null for 404. */
  const askOnce = async <Answer>(
    url: string,
    check: Check<Answer>,
    token: string,
    timeoutMs: number,
  ): Promise<Answer | null> => {
    const response = await fetch(url, {
      headers: { accept: 'application/json', authorization: `Bearer ${token}`, traceparent: outgoingTraceparent() },
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
    noteUpstream(response.headers.get('x-instance'));
    const body: unknown = await response.json();
    if (response.status === 404) return null;
    if (response.status === 401) throw new ProblemError('invalid-token', 'The access token is not valid.');
    if (response.status !== 200 || !check.Check(body)) throw new Error(`checkout answered ${response.status}`);
    return body;
  };

  const ask = async <Answer>(
    path: string,
    check: Check<Answer>,
    token: string,
    deadline: number,
  ): Promise<Answer | null> => {
    turn += 1;
    let last: unknown;
    for (let attempt = 0; ; attempt += 1) {
      const left = Math.floor(deadline - performance.now());
      if (left <= 0) throw new ProblemError('unavailable', 'Orders cannot be looked up now.', { cause: last });
      try {
        const url = `${urls[(turn + attempt) % urls.length]!}${path}`;
        return await askOnce(url, check, token, Math.min(attemptTimeoutMs, left));
      } catch (error) {
        if (error instanceof ProblemError) throw error;
        last = error;
        // Once round all replicas without luck: give one that is being restarted a moment.
        if (attempt % urls.length === urls.length - 1)
          await new Promise((resolve) => setTimeout(resolve, restMs + Math.random() * restMs));
      }
    }
  };

  /** Only the list says what is one's own. Order ids are UUIDv7 and the list is newest first, so it ends early. */
  const findInList = async (orderId: string, token: string, deadline: number): Promise<OrderFacts | null> => {
    let path = `/orders?limit=${pageSize}`;
    for (let page = 0; page < pagesOfOwnOrders; page += 1) {
      const answer = await ask(path, pageCheck, token, deadline);
      if (answer === null) throw new ProblemError('unavailable', 'Orders cannot be looked up now.');
      const found = answer.items.find((order) => order.orderId === orderId);
      if (found !== undefined) return found;
      const oldest = answer.items.at(-1)?.orderId;
      if (answer.nextCursor === null || oldest === undefined || oldest < orderId) return null;
      path = `/orders?limit=${pageSize}&cursor=${encodeURIComponent(answer.nextCursor)}`;
    }
    return null;
  };

  return {
    findOwn: (orderId, { token, isOperator }) => {
      const deadline = performance.now() + totalTimeoutMs;
      return isOperator ? findInList(orderId, token, deadline) : ask(`/orders/${orderId}`, factsCheck, token, deadline);
    },
  };
}
