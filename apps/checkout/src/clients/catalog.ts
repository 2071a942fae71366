/** Asks catalog what products are called and cost. Either replica will do. */
import { QuoteResponse } from '@ballast/contracts';
import { noteUpstream, outgoingTraceparent, ProblemError } from '@ballast/service';
import { Compile } from 'typebox/compile';
import { Agent, request } from 'undici';

type Quote = QuoteResponse['items'][number];

export interface CatalogClient {
  /** Name and price by product id; unknown products are missing. `token` is the caller's. */
  quote(productIds: readonly string[], token: string): Promise<Map<string, Quote>>;
  close(): Promise<void>;
}

const check = Compile(QuoteResponse);
const attempts = 4;
/** For one attempt, in ms: long enough for a busy replica, short enough to leave time for the other one. */
const attemptTimeoutMs = 700;
/** For all attempts together, in ms; whoever waits is then told to come back. */
const totalTimeoutMs = 1_400;

/** A client for the replicas at `urls`; it starts with another one each time and goes on to the next on failure. */
export function createCatalogClient(urls: readonly string[]): CatalogClient {
  const agent = new Agent({ connect: { timeout: 500 }, connections: 32, keepAliveTimeout: 30_000 });
  let turn = 0;

  const ask = async (
    url: string,
    productIds: readonly string[],
    token: string,
    timeoutMs: number,
  ): Promise<Map<string, Quote>> => {
    const response = await request(`${url}/products/quote`, {
      dispatcher: agent,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${token}`,
        traceparent: outgoingTraceparent(),
      },
      body: JSON.stringify({ productIds }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    noteUpstream(response.headers['x-instance']);
    const body: unknown = await response.body.json();
    if (response.statusCode === 401) throw new ProblemError('invalid-token', 'The access token is not valid.');
    if (response.statusCode !== 200 || !check.Check(body)) throw new Error(`catalog answered ${response.statusCode}`);
    return new Map(body.items.map((item) => [item.productId, item]));
  };

  return {
    quote: async (productIds, token) => {
      turn += 1;
      const deadline = performance.now() + totalTimeoutMs;
      let last: unknown;
      for (let attempt = 0; attempt < attempts; attempt += 1) {
        const left = Math.floor(deadline - performance.now());
        if (left <= 0) break;
        try {
          const timeoutMs = Math.min(attemptTimeoutMs, left);
          return await ask(urls[(turn + attempt) % urls.length]!, productIds, token, timeoutMs);
        } catch (error) {
          if (error instanceof ProblemError) throw error;
          last = error;
          // Once round all replicas without luck: give one that is being restarted a moment.
          if (attempt % urls.length === urls.length - 1)
            await new Promise((resolve) => setTimeout(resolve, 100 + Math.random() * 150));
        }
      }
      throw new ProblemError('unavailable', 'The catalog is not answering.', { cause: last });
    },
    close: () => agent.close(),
  };
}
