/** One GET, with limits on everything: the auditor waits for nobody for long. */
import { observerAgent } from '@ballast/service';
import { Agent, request } from 'undici';

export interface Answer {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  text: string;
}

/** Gets an address; rejects after `timeoutMs`, or when the answer is longer than `limitBytes`. */
export type Get = (
  url: string,
  options?: { timeoutMs?: number; limitBytes?: number; headers?: Record<string, string> },
) => Promise<Answer>;

/** A client with connections of its own. */
export function createHttpClient(): { get: Get; close: () => Promise<void> } {
  const agent = new Agent({ connect: { timeout: 500 }, connections: 4, keepAliveTimeout: 30_000, pipelining: 1 });
  return {
    get: async (url, { timeoutMs = 900, limitBytes = 4 * 1024 * 1024, headers = {} } = {}) => {
      const answer = await request(url, {
        dispatcher: agent,
        method: 'GET',
        headers: { 'user-agent': observerAgent, ...headers },
        signal: AbortSignal.timeout(timeoutMs),
      });
      const pieces: Buffer[] = [];
      let length = 0;
      for await (const piece of answer.body) {
        const bytes = piece as Buffer;
        length += bytes.length;
        if (length > limitBytes) throw new Error(`${url} answered more than ${limitBytes} bytes`);
        pieces.push(bytes);
      }
      return { status: answer.statusCode, headers: answer.headers, text: Buffer.concat(pieces).toString('utf8') };
    },
    close: () => agent.destroy(),
  };
}

/** Why something could not be had, in a few words. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'no answer in time';
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ECONNREFUSED') return 'nobody listens there';
  return error.message === '' ? (code ?? error.name) : error.message;
}
