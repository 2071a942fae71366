/** Routes for operators of any service with an outbox: dead letters everywhere, relay and consumers in the lab. */
import {
  DeadLetters,
  LabConsumers,
  LabInjected,
  LabPoison,
  LabRelay,
  LabRelayPause,
  ReplayDeadLetters,
  ReplayedDeadLetters,
} from '@ballast/contracts';
import { killSwitchRule, type Messaging } from '@ballast/messaging';
import { addLabRoutes, ProblemError, problemResponses, type HttpServer } from '@ballast/service';
import type { Static } from 'typebox';
import type { Outbox } from './outbox.ts';
import { takeAbandoned } from './sql.ts';

const listLimit = 50;
const waitingLimit = 10;

/** Adds them to a server with `authentication`. */
export async function addOutboxRoutes(
  server: HttpServer,
  { messaging, outbox }: { messaging: Messaging; outbox: Outbox },
): Promise<void> {
  const operator = { access: 'operator' as const };
  server.get(
    '/dead-letters',
    {
      config: operator,
      schema: {
        summary: 'Messages this service has given up, at most fifty of each queue',
        response: { 200: DeadLetters, ...problemResponses },
      },
    },
    async () => messaging.deadLetters(listLimit),
  );
  server.post(
    '/dead-letters/replay',
    {
      config: operator,
      schema: {
        summary: 'Sends dead letters through their queues once more: those named, or all',
        body: ReplayDeadLetters,
        response: { 200: ReplayedDeadLetters, ...problemResponses },
      },
    },
    async (request) => messaging.replayDeadLetters(request.body.messageIds),
  );

  const relay = async (): Promise<Static<typeof LabRelay>> => {
    const { pausedUntil, told } = outbox.state();
    const [{ rows, oldest }, waiting] = await Promise.all([outbox.backlog(), outbox.waiting(waitingLimit)]);
    return {
      paused: pausedUntil !== null,
      pausedUntil: pausedUntil?.toISOString() ?? null,
      rows,
      oldestSeconds: oldest,
      told,
      waiting: waiting.map((row) => ({ ...row, createdAt: row.createdAt.toISOString() })),
      statement: takeAbandoned.text.trim(),
    };
  };
  await addLabRoutes(server, (lab) => {
    const answer = { 200: LabRelay, ...problemResponses };
    lab.get('/relay', { schema: { response: answer } }, relay);
    lab.post('/relay/pause', { schema: { body: LabRelayPause, response: answer } }, async ({ body: { seconds } }) => {
      outbox.pause(seconds * 1_000);
      return relay();
    });
    lab.post('/relay/resume', { schema: { response: answer } }, async () => {
      outbox.resume();
      return relay();
    });
    lab.get('/consumers', { schema: { response: { 200: LabConsumers, ...problemResponses } } }, async () => ({
      consumers: messaging
        .consumers()
        .map((consumer) => ({ ...consumer, restartsAt: consumer.restartsAt?.toISOString() ?? null })),
      rule: killSwitchRule,
    }));
    messageRoutes(lab, messaging);
  });
}

/** Messages that go wrong on purpose. */
function messageRoutes(lab: HttpServer, messaging: Messaging): void {
  const response = { 200: LabInjected, ...problemResponses };
  lab.post(
    '/messages/poison',
    {
      schema: { body: LabPoison, response },
      // Nothing said is nothing named.
      preValidation: (request, _reply, done) => {
        request.body ??= {};
        done();
      },
    },
    async (request) => {
      const queues = messaging.consumers().map(({ queue }) => queue);
      const queue = request.body.queue ?? queues[0];
      if (queue === undefined || !queues.includes(queue))
        throw new ProblemError('invalid-input', 'This service reads no such queue.', { field: 'queue' });
      return { items: await messaging.lab.poison(queue) };
    },
  );
  lab.post('/messages/duplicate', { schema: { response } }, async () => ({ items: await messaging.lab.repeat() }));
}
