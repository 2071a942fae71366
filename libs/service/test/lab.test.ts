/** The routes by which a lab breaks a service: in a process of its own, which may die of it. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, afterEach, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { LabFault, LabFaults } from '@ballast/contracts';
import { spawnService, testIdentity, until, type ServiceProcess, type TestIdentity } from '@ballast/testing';
import type { Static } from 'typebox';

const main = fileURLToPath(new URL('fixtures/lab-service.ts', import.meta.url));

describe('fail points over HTTP', () => {
  let identity: TestIdentity;
  let operator: string;
  let service: ServiceProcess;
  before(async () => {
    identity = await testIdentity();
    operator = identity.token({ roles: ['customer', 'operator'] });
  });
  afterEach(() => service.end('SIGKILL'));
  after(() => identity.close());

  const start = async (environment: Record<string, string> = { LAB_MODE: '1' }): Promise<void> => {
    service = await spawnService(main, { IDENTITY_URL: identity.url, ...environment });
    await service.ready();
  };
  const call = (method: string, path: string, body?: object, token: string | null = operator): Promise<Response> =>
    fetch(`${service.url}${path}`, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(20_000),
    });
  const arm = (point: string, fault: Static<typeof LabFault>): Promise<Response> =>
    call('PUT', `/lab/faults/${point}`, fault);
  const faults = async (response: Response): Promise<LabFaults> => {
    assert.equal(response.status, 200);
    return (await response.json()) as LabFaults;
  };
  const answers = async (): Promise<number> => {
    const response = await call('GET', '/openapi.json', undefined, null);
    await response.arrayBuffer();
    return response.status;
  };

  it('are listed before anybody has passed them, with where they are', async () => {
    await start();
    const { points, places } = await faults(await call('GET', '/lab/faults'));
    assert.deepEqual(points, ['http.request', 'process.tick']);
    assert.match(places['http.request']!, /a request has arrived/);
  });

  it('do not exist without the lab, and are for operators only in it', async () => {
    await start({ LAB_MODE: '0' });
    assert.equal((await call('GET', '/lab/faults')).status, 404);
    await service.end('SIGKILL');
    await start();
    const body = { action: 'crash', seconds: 5 };
    assert.equal((await call('PUT', '/lab/faults/process.tick', body, null)).status, 401);
    assert.equal((await call('PUT', '/lab/faults/process.tick', body, identity.token())).status, 403);
    assert.equal(await answers(), 200);
  });

  it('kill the process within a moment when the tick is told to, after the answer', async () => {
    await start();
    const { armed } = await faults(await arm('process.tick', { action: 'crash', seconds: 5 }));
    assert.deepEqual(
      armed.map(({ point, action, times }) => ({ point, action, times })),
      [{ point: 'process.tick', action: 'crash', times: null }],
    );
    assert.deepEqual(await service.ended, { code: null, signal: 'SIGKILL' });
  });

  it('freeze the process for the time given, and it answers what came meanwhile', async () => {
    await start();
    const asked = performance.now();
    await faults(await arm('process.tick', { action: 'freeze', milliseconds: 1_500, times: 1, seconds: 30 }));
    await until('an answer that had to wait for the thaw', async () => {
      const sent = performance.now();
      assert.equal(await answers(), 200);
      return performance.now() - sent > 700;
    });
    assert.ok(performance.now() - asked < 15_000, 'long before the fault is over');
  });

  it('freeze it until the fault is over when no time is given', async () => {
    await start();
    await faults(await arm('process.tick', { action: 'freeze', seconds: 2 }));
    await until('an answer that had to wait for the thaw', async () => {
      const sent = performance.now();
      assert.equal(await answers(), 200);
      return performance.now() - sent > 1_000;
    });
    const { armed } = await until('it is over', async () => {
      const list = await faults(await call('GET', '/lab/faults'));
      return list.armed.length === 0 ? list : undefined;
    });
    assert.deepEqual(armed, []);
  });

  it('fail every request while they are armed, the first so many where that is said, and heal all at once', async () => {
    await start();
    const statuses = async (requests: number): Promise<number[]> => {
      const answered: number[] = [];
      for (let request = 0; request < requests; request += 1)
        answered.push((await call('GET', '/thing', undefined, null)).status);
      return answered;
    };
    await faults(await arm('http.request', { action: 'error', seconds: 60 }));
    assert.deepEqual(await statuses(5), [500, 500, 500, 500, 500]);
    await faults(await arm('http.request', { action: 'error', times: 2, skip: 1, seconds: 60 }));
    assert.deepEqual(await statuses(5), [200, 500, 500, 200, 200]);
    await faults(await arm('http.request', { action: 'delay', milliseconds: 60_000, seconds: 60 }));
    const { armed } = await faults(await arm('process.tick', { action: 'freeze', skip: 1_000_000, seconds: 60 }));
    assert.equal(armed.length, 2);
    const delayed = statuses(1);
    assert.deepEqual((await faults(await call('DELETE', '/lab/faults'))).armed, []);
    assert.deepEqual(await delayed, [200], 'who was being delayed goes on');
    assert.deepEqual(await statuses(3), [200, 200, 200]);
  });

  it('name what there is not, and what the tick cannot do', async () => {
    await start();
    assert.equal((await arm('http.requests', { action: 'error', seconds: 5 })).status, 404);
    assert.equal((await arm('http.request.detail', { action: 'error', seconds: 5 })).status, 200);
    const refused = await arm('process.tick', { action: 'delay', milliseconds: 10, seconds: 5 });
    assert.equal(refused.status, 422);
    assert.equal(((await refused.json()) as { field: string }).field, 'action');
  });

  it('disarm themselves, and planted defects are removed by themselves where that is asked for', async () => {
    await start();
    await faults(await arm('http.request', { action: 'error', seconds: 1 }));
    await faults(await call('PUT', '/lab/defects/test.stays'));
    const planted = await faults(await call('PUT', '/lab/defects/test.goes?seconds=1'));
    assert.deepEqual(planted.defects, ['test.goes', 'test.stays']);
    await until('both are over', async () => {
      const { armed, defects } = await faults(await call('GET', '/lab/faults'));
      return armed.length === 0 && defects.length === 1 && defects[0] === 'test.stays';
    });
  });

  it('can be armed and healed while identity is away, whoever was signed out before that aside', async () => {
    await start();
    const sessionId = randomUUIDv7();
    const signedOut = identity.token({ roles: ['operator'] }, { sid: sessionId });
    identity.revoke(sessionId);
    await until('the news', async () => (await call('GET', '/lab/faults', undefined, signedOut)).status === 401);
    identity.setSilent(true);
    await until('the view is stale', async () => {
      const metrics = await (await call('GET', '/metrics', undefined, null)).text();
      return Number(/^revocation_view_age_seconds\{.*\} (.*)$/m.exec(metrics)?.[1]) > 5;
    });
    await faults(await arm('http.request', { action: 'error', seconds: 60 }));
    assert.deepEqual((await faults(await call('DELETE', '/lab/faults'))).armed, []);
    assert.equal((await call('DELETE', '/lab/faults', undefined, signedOut)).status, 401);
    identity.setSilent(false);
  });
});
