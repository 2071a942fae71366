/**
 * One call for all who ask the same at once.
 *
 * Reads that have arrived in one turn of the event loop and would send the same share one call, sent when the turn is
 * over. So nobody is shown what was read before they asked, and nobody waits for anybody: a bff with little to do takes
 * one request a turn, a busy one takes dozens, and that is when it matters. The call goes out under the trace and the
 * request id of the first of them.
 */
import type { Upstream, UpstreamRequest, UpstreamResponse } from './upstream.ts';

/** Reads through a call of their own, or one that others of the same `key` make in this turn; `make` says what to send. */
export type SharedReads = (key: string, make: () => UpstreamRequest) => Promise<UpstreamResponse>;

interface Group {
  request: UpstreamRequest;
  promise: Promise<UpstreamResponse>;
  resolve: (answer: Promise<UpstreamResponse>) => void;
}

/** Shares calls to `upstream`. Requests must differ in `key` wherever their answers may differ. */
export function sharedReads(upstream: Pick<Upstream, 'send'>): SharedReads {
  let groups = new Map<string, Group>();

  const sendAll = (): void => {
    const due = groups;
    groups = new Map();
    for (const { request, resolve } of due.values()) resolve(upstream.send(request));
  };

  return (key, make) => {
    const known = groups.get(key);
    if (known !== undefined) return known.promise;
    const group = { request: make(), ...Promise.withResolvers<UpstreamResponse>() };
    // After everything that has arrived has been taken in, and before anything else is.
    if (groups.size === 0) setImmediate(sendAll);
    groups.set(key, group);
    return group.promise;
  };
}
