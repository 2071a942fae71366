/** Which answers are the answer for good, and which say nothing about the next try. */

/**
 * What becomes of a key after an answer.
 *
 * - `store`    this is the answer: whoever repeats the request gets it
 * - `forget`   the request was not dealt with at all: the key is free again, also for another body
 * - `unknown`  whether there was an effect is not known: the same request may try again at once, another body may not
 */
export type Settlement = 'store' | 'forget' | 'unknown';

/**
 * By status. What is not here: below 500 it is the answer; from 500 on nothing is known.
 *
 * 401 and 403 are about the caller's token, which will be another one next time; 428 and 429 ask for something else
 * first; the others say that the request is not one. None of them has had an effect, and none should be held against
 * whoever mends the request and sends it with the same key.
 */
const byStatus: Readonly<Record<number, Settlement>> = {
  400: 'forget',
  401: 'forget',
  403: 'forget',
  405: 'forget',
  408: 'forget',
  411: 'forget',
  413: 'forget',
  414: 'forget',
  415: 'forget',
  417: 'forget',
  425: 'forget',
  428: 'forget',
  429: 'forget',
  431: 'forget',
};

/** By problem code, before the status: what 409 and 422 mean differs. */
const byCode: Readonly<Record<string, Settlement>> = {
  'invalid-input': 'forget',
  // The service behind has a memory of its own for keys, and is at it, or has seen another body.
  'in-progress': 'unknown',
  'idempotency-key-reused': 'forget',
};

/** What to do with the key after an answer with this status and, where it is a problem document, this code. */
export function settlementOf(status: number, code?: string): Settlement {
  const known = (code === undefined ? undefined : byCode[code]) ?? byStatus[status];
  return known ?? (status < 500 ? 'store' : 'unknown');
}
