import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { httpProbe, localUrl, restartDelays } from '../src/component.ts';
import type { LabEvent } from '../src/events.ts';
import { processesMarked } from '../src/process-table.ts';
import { until } from '../src/waiting.ts';
import { environmentAt, fixtureComponent } from './support.ts';

const exits = (events: LabEvent[]) => events.filter((event) => event.type === 'exit');

test('a component is ready only when its readiness answers 200', async (context) => {
  const { component, url } = await fixtureComponent(context, { READY_AFTER: '300' });
  await component.start();
  assert.equal(component.state, 'ready');
  assert.ok(component.describe().seconds >= 0.3);
  const response = await fetch(`${url}/readyz`);
  assert.equal(response.status, 200);
});

test('a service that dies after it was ready is restarted at once, however often, and each death is told', async (context) => {
  const { component, events } = await fixtureComponent(context);
  await component.start();
  for (let death = 1; death <= 3; death += 1) {
    const before = component.describe().process?.pid;
    assert.equal(await component.kill('SIGKILL'), true);
    await component.waitUntilReady(30_000);
    assert.notEqual(component.describe().process?.pid, before);
  }
  assert.deepEqual(
    exits(events).map((event) => [event.signal, event.restartIn]),
    [1, 2, 3].map(() => ['SIGKILL', restartDelays[0]]),
  );
  assert.equal(component.describe().restarts, 3);
});

test('restarts that fail wait longer and longer, until one becomes ready', async (context) => {
  let broken = false;
  const beforeStart = async (): Promise<void> => {
    if (broken) throw new Error('it does not start');
  };
  const { component, events } = await fixtureComponent(context, {}, { beforeStart });
  await component.start();
  broken = true;
  await component.kill('SIGKILL');
  assert.ok(await until(() => exits(events).length === 3, { timeout: 30_000 }));
  broken = false;
  await component.waitUntilReady(30_000);
  await component.kill('SIGKILL');
  assert.deepEqual(
    exits(events).map((event) => event.restartIn),
    [...restartDelays.slice(0, 3), restartDelays[0]],
  );
});

test('a service that ends by itself is restarted too, whatever its exit code', async (context) => {
  const { component, events, url } = await fixtureComponent(context);
  await component.start();
  await fetch(`${url}/exit`);
  assert.ok(await until(() => exits(events).length === 1, { timeout: 20_000 }));
  await component.waitUntilReady(30_000);
  assert.equal(exits(events)[0]?.code, 7);
});

test('environment given to a restart holds for that one start only', async (context) => {
  const { component, url } = await fixtureComponent(context, { LASTING: 'yes' });
  await component.start();
  await component.restart({ environment: { FAULTS: 'after-commit=crash' } });
  assert.equal((await environmentAt(url))['FAULTS'], 'after-commit=crash');
  await component.kill('SIGKILL');
  await component.waitUntilReady(30_000);
  const after = await environmentAt(url);
  assert.equal(after['FAULTS'], undefined);
  assert.equal(after['LASTING'], 'yes');
});

test('stopping ends a service that ignores SIGTERM, and it stays down', async (context) => {
  const { component, folder } = await fixtureComponent(context, { IGNORE_TERM: '1' }, { stopTimeout: 300 });
  await component.start();
  await component.stop();
  assert.equal(component.state, 'stopped');
  assert.deepEqual(processesMarked(folder), []);
});

test('stopping while a restart is pending leaves nothing running', async (context) => {
  const { component, folder } = await fixtureComponent(context);
  await component.start();
  await component.kill('SIGKILL');
  await component.stop();
  assert.equal(component.state, 'stopped');
  assert.deepEqual(processesMarked(folder), []);
});

test('a frozen service answers nothing until it is resumed, and can be stopped while frozen', async (context) => {
  const stopTimeout = 60_000;
  const { component, url, folder } = await fixtureComponent(context, {}, { stopTimeout });
  await component.start();
  component.pause();
  await assert.rejects(fetch(`${url}/readyz`, { signal: AbortSignal.timeout(200) }));
  component.resume();
  assert.equal((await fetch(`${url}/readyz`)).status, 200);
  component.pause();
  const begun = performance.now();
  await component.stop();
  assert.ok(performance.now() - begun < stopTimeout / 2, 'it had to be killed');
  assert.deepEqual(processesMarked(folder), []);
});

test('what a service leaves behind when killed is ended with it', async (context) => {
  const { component, folder } = await fixtureComponent(
    context,
    {},
    {
      command: '/bin/sh',
      arguments: ['-c', 'sleep 1000 & echo started; exec sleep 1000'],
      probe: async () => await Promise.resolve(true),
    },
  );
  await component.start();
  assert.ok(await until(() => processesMarked(folder).length === 2, { timeout: 20_000 }));
  await component.stop('SIGTERM');
  assert.ok(await until(() => processesMarked(folder).length === 0, { timeout: 20_000 }));
});

test('a service that dies before it is ready fails the start with what it said', async (context) => {
  const { component } = await fixtureComponent(context, { DIE_AT_START: 'no database' });
  await assert.rejects(component.start(), {
    name: 'LabProblem',
    message:
      /^fixture at http:\/\/127\.0\.0\.1:\d+ ended with code 3 before it was ready: it said "fixture cannot start: no database"; the whole log is /,
  });
  assert.equal(component.state, 'failed');
});

test('a service that never gets ready fails the start with the last answer', async (context) => {
  const probe = (): Promise<boolean> => Promise.reject(new Error('GET /readyz answered 503'));
  const { component, folder } = await fixtureComponent(context, {}, { probe, readyTimeout: 300 });
  await assert.rejects(component.start(), /was not ready 0\.3 s after its start: GET \/readyz answered 503/);
  assert.deepEqual(processesMarked(folder), []);
});

test('anything but a 200 is an answer that is quoted', async (context) => {
  const server = createServer((_request, response) => response.writeHead(503).end('no database')).listen(
    0,
    '127.0.0.1',
  );
  await once(server, 'listening');
  context.after(() => server.close());
  const url = localUrl((server.address() as AddressInfo).port);
  await assert.rejects(httpProbe(url)(AbortSignal.timeout(20_000)), { message: `GET ${url} answered 503 no database` });
});

test('a port in use is named with the component and the process that has it', async (context) => {
  const blocker = createServer().listen(0, '127.0.0.1');
  await once(blocker, 'listening');
  context.after(() => blocker.close());
  const address = blocker.address();
  assert.ok(address !== null && typeof address === 'object');
  const { component } = await fixtureComponent(context, {}, { port: address.port });
  await assert.rejects(component.start(), (error: Error) => {
    assert.match(
      error.message,
      new RegExp(`^fixture needs 127\\.0\\.0\\.1:${address.port}, but process ${process.pid} \\(`),
    );
    assert.match(error.message, /PORT_BASE/);
    return true;
  });
});

test('lines logged at level warn or above reach the supervisor, others do not', async (context) => {
  const { component, events } = await fixtureComponent(context, { WARN: 'the lease ends soon' });
  await component.start();
  const logged = () => events.filter((event) => event.type === 'log');
  assert.ok(await until(() => logged().length > 0, { timeout: 20_000 }));
  assert.deepEqual(logged(), [{ type: 'log', component: 'fixture', level: 'warn', message: 'the lease ends soon' }]);
});
