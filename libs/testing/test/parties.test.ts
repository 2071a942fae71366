import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createMessage } from '@ballast/messaging';
import { bearerVerifier, createHttpServer } from '@ballast/service';
import {
  recordingLogger,
  seededIntegers,
  seededRandom,
  shuffled,
  spawnService,
  startApp,
  testBroker,
  testIdentity,
  until,
} from '../src/index.ts';

describe('a peer on the broker', () => {
  it('hears what is said in its namespace, and nothing of another', async () => {
    const [broker, elsewhere] = await Promise.all([testBroker(), testBroker()]);
    try {
      const peer = await broker.peer(['StockReleased']);
      const stranger = await elsewhere.peer(['StockReleased']);
      const orderId = randomUUIDv7();
      const message = createMessage({ type: 'StockReleased', correlationId: orderId, body: { orderId } });
      await peer.say(message);
      await until('the message', () => peer.heard(orderId).length === 1);
      assert.deepEqual(peer.heard(), [message]);
      assert.deepEqual(peer.heard(randomUUIDv7()), []);
      assert.deepEqual(stranger.heard(), []);
    } finally {
      await broker.clean([]);
      await elsewhere.clean([]);
    }
  });
});

describe('a test identity', () => {
  it('makes tokens that services believe, and any other kind on request', async () => {
    const identity = await testIdentity();
    try {
      const jwksUrl = new URL('/.well-known/jwks.json', identity.url);
      const verify = bearerVerifier({ issuer: identity.url, jwksUrl });
      const userId = randomUUIDv7();
      const principal = await verify(identity.token({ userId, roles: ['operator'] }));
      assert.equal(principal.userId, userId);
      assert.deepEqual(principal.roles, ['operator']);
      for (const bad of [
        identity.token({}, { exp: 1 }),
        identity.token({}, { exp: undefined }),
        identity.token({}, { aud: 'somebody else' }),
        identity.token({}, {}, { typ: 'JWT' }),
        identity.token({}, {}, { kid: 'other' }),
      ]) {
        await assert.rejects(verify(bad), { code: 'invalid-token' });
      }
    } finally {
      await identity.close();
    }
  });
});

describe('an app in the test’s process', () => {
  it('listens, keeps what it logs, and stops once however often it is told to', async () => {
    const done: string[] = [];
    const running = await startApp({
      name: 'parcels',
      config: { INSTANCE: 'parcels-1' },
      build: async ({ config, logger, metrics }) => {
        logger.info('building');
        logger.warn({ err: new Error('the van is late') }, 'trouble');
        const server = await createHttpServer({
          name: 'parcels',
          instance: config.INSTANCE,
          logger,
          metrics,
          checks: [],
        });
        await server.ready();
        const note = (word: string) => async () => void done.push(word);
        return { server, start: note('start'), quiesce: note('quiesce'), stop: note('stop') };
      },
    });
    assert.equal((await fetch(`${running.url}/readyz`)).status, 200);
    assert.deepEqual(
      running.complaints.map(({ level, message, error }) => ({ level, message, error })),
      [{ level: 'warn', message: 'trouble', error: 'the van is late' }],
    );
    assert.ok(running.entries.some(({ message }) => message === 'building'));
    await Promise.all([running.stop(), running.stop()]);
    assert.deepEqual(done, ['start', 'quiesce', 'stop']);
    await assert.rejects(fetch(`${running.url}/readyz`));
  });

  it('has a logger whose children write to the same list', () => {
    const { logger, complaints } = recordingLogger();
    logger.child({ part: 'inner' }).error('lost');
    assert.deepEqual(complaints, [{ level: 'error', message: 'lost', error: undefined, fields: {} }]);
  });
});

describe('a spawned service', () => {
  const main = join(import.meta.dirname, 'fixtures/service.ts');

  it('is ready when /readyz says so, and its log and its end can be read', async () => {
    const service = await spawnService(main, {});
    await service.ready();
    assert.equal(service.gone, false);
    assert.deepEqual(await service.end('SIGKILL'), { code: null, signal: 'SIGKILL' });
    assert.equal(service.gone, true);
    assert.deepEqual(service.log(), [{ level: 30, msg: 'ready' }]);
  });

  it('that ends instead of getting ready is told with its last words', async () => {
    const service = await spawnService(main, { REFUSE: '1' });
    await assert.rejects(service.ready(), /has ended:\nI will not/);
    assert.deepEqual(service.errors, ['I will not']);
    assert.deepEqual(await service.ended, { code: 3, signal: null });
  });
});

describe('waiting and chance', () => {
  it('until says what it waited for and why it was not there', async () => {
    await assert.rejects(
      until('a ship', () => Promise.reject(new Error('fog')), 50),
      (error: Error) => /50 ms for a ship/.test(error.message) && (error.cause as Error).message === 'fog',
    );
    let asked = 0;
    assert.equal(await until('the third', () => (++asked === 3 ? 'ship' : undefined)), 'ship');
  });

  it('the same seed gives the same numbers, another seed others', () => {
    const ten = (seed: number): number[] => {
      const random = seededRandom(seed);
      return Array.from({ length: 10 }, random);
    };
    assert.deepEqual(ten(1), ten(1));
    assert.notDeepEqual(ten(1), ten(2));
    const below = seededIntegers(3);
    const dice = new Set(Array.from({ length: 200 }, () => below(6)));
    assert.deepEqual(dice, new Set([0, 1, 2, 3, 4, 5]));
    const items = Array.from({ length: 20 }, (_, index) => index);
    const mixed = shuffled(items, seededRandom(4));
    assert.notDeepEqual(mixed, items);
    assert.deepEqual(
      mixed.toSorted((a, b) => a - b),
      items,
    );
  });
});
