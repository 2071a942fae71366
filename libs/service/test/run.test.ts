/** The end of a process: what it has taken in is answered, whatever else goes wrong. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { after, afterEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { spawnService, until, type ServiceProcess } from '@ballast/testing';

const main = fileURLToPath(new URL('fixtures/service.ts', import.meta.url));

describe('a service that is told to stop', () => {
  const running: ServiceProcess[] = [];
  const agent = new Agent({ keepAlive: true });
  afterEach(async () => {
    for (const service of running.splice(0)) if (!service.gone) await service.end('SIGKILL');
  });
  after(() => agent.destroy());

  const start = async (environment: Record<string, string> = {}): Promise<ServiceProcess> => {
    const service = await spawnService(main, environment);
    running.push(service);
    await service.ready();
    return service;
  };
  /** A request on a connection that is kept, as those between services are. */
  const ask = async (url: string): Promise<IncomingMessage> => {
    const [response] = (await once(get(url, { agent }), 'response')) as [IncomingMessage];
    response.resume();
    await once(response, 'end');
    return response;
  };

  it('answers a request that takes longer than it waits for idle connections, and ends soon after', async () => {
    const service = await start();
    const slow = ask(`${service.url}/slow?ms=1500`);
    await until('it to be in hand', () => service.log().some(({ msg }) => msg === 'serving'));
    const ended = service.end();
    assert.equal((await slow).statusCode, 200);
    // It would be 1 if it had to be ended by the limit of the whole shutdown.
    assert.deepEqual(await ended, { code: 0, signal: null });
  });

  it('answers what it has in hand and closes what it holds although it cannot stop taking messages', async () => {
    const service = await start({ QUIESCE: 'fails' });
    const slow = ask(`${service.url}/slow?ms=800`);
    await until('it to be in hand', () => service.log().some(({ msg }) => msg === 'serving'));
    const ended = service.end();
    assert.equal((await slow).statusCode, 200);
    assert.deepEqual(await ended, { code: 1, signal: null });
    assert.ok(service.log().some(({ msg }) => msg === 'closed what it holds'));
  });

  it('serves connections once more before it closes them, and says so', async () => {
    const service = await start();
    await ask(`${service.url}/healthz`);
    const ended = service.end();
    // The same connection, over and over, until one answer says that it was the last.
    const closes = await until('the last answer', async () => {
      const response = await ask(`${service.url}/healthz`);
      assert.equal(response.statusCode, 200);
      return response.headers.connection === 'close';
    });
    assert.ok(closes);
    assert.deepEqual(await ended, { code: 0, signal: null });
  });
});
