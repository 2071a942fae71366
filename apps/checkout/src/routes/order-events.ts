/** An order as it moves: server-sent events (WHATWG HTML, "Server-sent events") that resume where they broke off. */
import { PassThrough } from 'node:stream';
import { finalOrderStates, OrderParams } from '@ballast/contracts';
import { ProblemError, type HttpServer } from '@ballast/service';
import type { LiveOrders } from '../clients/live.ts';
import type { OrderStore } from '../store/orders.ts';
import { findOrder } from './orders.ts';

const heartbeatMs = 10_000;
/** Open streams at a time; each costs a socket and a timer. */
const maximumStreams = 2_000;

export function orderEventRoutes(server: HttpServer, { store, live }: { store: OrderStore; live: LiveOrders }): void {
  let open = 0;

  server.get('/orders/:id/events', { schema: { params: OrderParams } }, async (request, reply) => {
    if (open >= maximumStreams)
      throw new ProblemError('unavailable', 'Too many open streams.', { retryAfterSeconds: 5 });
    const orderId = request.params.id;
    // Watch first, read then: what moves in between is told by the watch.
    let wake = (): void => {};
    let moved = false;
    const unwatch = live.watch(orderId, () => {
      moved = true;
      wake();
    });
    let order;
    try {
      order = await findOrder(store, orderId, request.principal!);
    } catch (error) {
      unwatch();
      throw error;
    }

    open += 1;
    const stream = new PassThrough();
    const ended = new AbortController();
    const end = (): void => {
      ended.abort();
      wake();
    };
    stream.on('close', end);
    server.draining.addEventListener('abort', end);
    const unwatchRevocation = server.revocations?.onRevoked(request.principal!, end);
    // Requests are still taken while the process is on its way out, and nothing will be told of the end a second time.
    if (server.draining.aborted) end();
    const heartbeat = setInterval(() => stream.write(': still here\n\n'), heartbeatMs);
    const send = (event: string, id: number, data: unknown): void => {
      stream.write(`id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    };

    const follow = async (): Promise<void> => {
      const lastSeen = Number(request.headers['last-event-id']);
      let seq = order.history.at(-1)!.seq;
      let state = order.history.at(-1)!.to;
      if (Number.isInteger(lastSeen) && lastSeen >= 1 && lastSeen <= seq) {
        for (const transition of order.history)
          if (transition.seq > lastSeen) send('transition', transition.seq, transition);
      } else {
        send('snapshot', seq, order);
      }
      while (!ended.signal.aborted && !finalOrderStates.includes(state)) {
        if (!moved) await new Promise<void>((resolve) => (wake = resolve));
        moved = false;
        if (ended.signal.aborted) return;
        for (const transition of await store.transitionsAfter(orderId, seq)) {
          send('transition', transition.seq, transition);
          seq = transition.seq;
          state = transition.to;
        }
      }
      if (finalOrderStates.includes(state)) send('end', seq, { state });
    };
    follow()
      // The client reconnects and resumes; a broken stream tells it more than one that falls silent.
      .catch((error: unknown) => request.log.info({ err: error }, 'order stream ended early'))
      .finally(() => {
        open -= 1;
        clearInterval(heartbeat);
        unwatch();
        unwatchRevocation?.();
        server.draining.removeEventListener('abort', end);
        stream.end();
      });

    return reply
      .header('content-type', 'text/event-stream; charset=utf-8')
      .header('cache-control', 'no-store')
      .header('x-accel-buffering', 'no')
      .send(stream);
  });
}
