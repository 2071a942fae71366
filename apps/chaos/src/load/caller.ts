/** Requests at the bff that count: each is noted in the journal, whatever becomes of it. */
import { Agent, request } from 'undici';
import { codeOf, type Answer } from '../clients/http.ts';
import type { Journal } from '../journal.ts';

export interface Call {
  method?: 'GET' | 'POST' | 'PUT';
  path: string;
  headers?: Record<string, string>;
  /** Sent as JSON. */
  body?: unknown;
}

export interface Caller {
  /** Resolves to any answer; null where nobody answered in time. */
  call(call: Call): Promise<Answer | null>;
  close(): Promise<void>;
}

/** Beyond the longest the bff takes over anything, in ms. */
const timeoutMs = 7_000;
/** As many as may be under way at a time. */
const connections = 512;

export function createCaller(bffUrl: string, journal: Journal): Caller {
  const agent = new Agent({
    connections,
    connect: { timeout: 2_000 },
    keepAliveTimeout: 10_000,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });
  const send = async ({ method = 'GET', path, headers = {}, body }: Call): Promise<Answer> => {
    const response = await request(bffUrl + path, {
      dispatcher: agent,
      method,
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await response.body.text();
    return { status: response.statusCode, headers: response.headers, text };
  };
  return {
    call: async (call) => {
      const began = performance.now();
      let answer: Answer | null = null;
      try {
        answer = await send(call);
      } catch (error) {
        // Whatever a network does is an answer of its own; this one is a mistake of ours.
        if (codeOf(error) === 'UND_ERR_INVALID_ARG') throw error;
      }
      const milliseconds = performance.now() - began;
      const failed = answer === null || answer.status >= 500;
      journal.note({ at: performance.now(), milliseconds, answered: answer !== null, failed });
      return answer;
    },
    close: () => agent.destroy(),
  };
}
