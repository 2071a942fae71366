import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Client } from 'pg';
import { loginRole, serviceUrl } from '../../postgres/bootstrap.ts';
import { type LabEvent, type Mesh, type MeshOptions, startMesh } from '../src/index.ts';
import { labPaths, nodeBinary, repositoryRoot } from '../src/paths.ts';
import { findFreePorts, isPortFree } from '../src/ports.ts';
import { allProcesses, processesMarked, processesWorkingIn, send } from '../src/process-table.ts';
import { within } from '../src/waiting.ts';
import { environmentAt, findPortBase, fixtureTopology, temporaryFolder } from './support.ts';

type Lab = { mesh: Mesh; events: LabEvent[]; folder: string; options: MeshOptions };

async function lab(context: TestContext, changes: Partial<MeshOptions> = {}): Promise<Lab> {
  const folder = changes.dataDirectory ?? temporaryFolder();
  const events: LabEvent[] = [];
  const options: MeshOptions = {
    dataDirectory: folder,
    portBase: await findPortBase(),
    parts: 'native',
    disposable: true,
    environment: { PATH: process.env['PATH'] },
    topology: fixtureTopology(['postgres', 'redis']),
    onEvent: (event) => events.push(event),
    ...changes,
  };
  const mesh = await startMesh(options);
  context.after(async () => await mesh.stop());
  return { mesh, events, folder, options };
}

function assertNothingRuns(folder: string): void {
  assert.deepEqual(processesMarked(folder), []);
  assert.deepEqual(processesWorkingIn(join(folder, 'data', 'postgres')), []);
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 30_000, query_timeout: 30_000 });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

test('a mesh starts its parts, then its services in order, and stop leaves nothing', async (context) => {
  const { mesh, events, folder, options } = await lab(context);
  const ready = events.flatMap((event) => (event.type === 'state' && event.state === 'ready' ? [event.component] : []));
  assert.deepEqual(ready.slice(0, 2).toSorted(), ['postgres', 'redis']);
  assert.deepEqual(ready.slice(2), ['first', 'second']);
  assert.deepEqual(
    events.filter((event) => event.type === 'log' || event.type === 'exit'),
    [],
  );
  for (const url of Object.values(mesh.urls)) assert.equal((await fetch(`${url}/readyz`)).status, 200);
  assert.equal(statSync(labPaths(folder).secrets).mode & 0o777, 0o600);

  await mesh.stop();
  assertNothingRuns(folder);
  for (const offset of [0, 1, 379, 432]) assert.ok(await isPortFree(options.portBase + offset));
  assert.equal(existsSync(labPaths(folder).state), false);
});

test('data and secrets survive a stop, and a fresh start has neither the data nor another password', async (context) => {
  const first = await lab(context);
  await query(first.mesh.databaseUrl, 'create table kept ()');
  await first.mesh.stop();
  const second = await lab(context, { dataDirectory: first.folder });
  assert.equal(second.mesh.databaseUrl.split('@')[0], first.mesh.databaseUrl.split('@')[0]);
  await query(second.mesh.databaseUrl, 'select * from kept');
  await second.mesh.stop();
  const third = await lab(context, { dataDirectory: first.folder, fresh: true });
  await assert.rejects(query(third.mesh.databaseUrl, 'select * from kept'), /does not exist/);
});

test('no service can read the schema of another, and acts as the owner of its own', async (context) => {
  const { mesh, folder } = await lab(context);
  const secrets: unknown = JSON.parse(readFileSync(labPaths(folder).secrets, 'utf8'));
  const passwords = (secrets as { postgresRoles: Record<string, string> }).postgresRoles;
  const as = (service: string): string => serviceUrl(mesh.databaseUrl, service, passwords[loginRole(service)] ?? '');
  await query(as('catalog'), 'create table product (id int)');
  assert.deepEqual(await query(as('catalog'), 'select current_user, current_schema'), [
    { current_user: 'svc_catalog', current_schema: 'catalog' },
  ]);
  await assert.rejects(query(as('payments'), 'select * from catalog.product'), /permission denied for schema catalog/);
  await assert.rejects(query(as('payments'), 'create table public.x ()'), /permission denied for schema public/);
  await assert.rejects(
    query(as('payments').replace(/:[^:@]*@/, ':wrong@'), 'select 1'),
    /password authentication failed/,
  );
});

test('a killed part comes back with its data, and a part can be restarted by any signal', async (context) => {
  const { mesh } = await lab(context);
  await query(mesh.databaseUrl, 'create table kept ()');
  for (const signal of ['SIGKILL', undefined] as const) {
    await mesh.restartPart('postgres', signal === undefined ? {} : { signal });
    await query(mesh.databaseUrl, 'select * from kept');
  }
  assert.equal(await mesh.kill('postgres'), true);
  await mesh.waitUntilReady();
  await query(mesh.databaseUrl, 'select * from kept');
});

test('extra environment for a restart is gone after the next death', async (context) => {
  const { mesh } = await lab(context, { env: { EVERYWHERE: 'yes' } });
  const url = mesh.urls['first'] ?? '';
  await mesh.restart('first', { env: { FAULTS: 'x=crash' } });
  assert.equal((await environmentAt(url))['FAULTS'], 'x=crash');
  await mesh.kill('first');
  await mesh.waitUntilReady(['first']);
  const environment = await environmentAt(url);
  assert.equal(environment['FAULTS'], undefined);
  assert.equal(environment['EVERYWHERE'], 'yes');
});

test('a second start on the same data is refused with where the first one runs', async (context) => {
  const { mesh, options } = await lab(context);
  await assert.rejects(startMesh(options), (error: Error) => {
    assert.match(
      error.message,
      new RegExp(`already running at ${mesh.pages['shop']} \\(process ${process.pid}\\); stop it with "npm run stop"`),
    );
    return true;
  });
  assert.equal((await fetch(`${mesh.urls['second']}/readyz`)).status, 200);
});

test('a port in use ends the start before anything runs, and names port, component and holder', async (context) => {
  const portBase = await findPortBase();
  const blocker = createServer().listen(portBase + 432, '127.0.0.1');
  await once(blocker, 'listening');
  context.after(() => blocker.close());
  const folder = temporaryFolder();
  await assert.rejects(
    lab(context, { dataDirectory: folder, portBase }),
    new RegExp(`postgres needs 127\\.0\\.0\\.1:${portBase + 432}, but process ${process.pid} `),
  );
  assertNothingRuns(folder);
  assert.equal(existsSync(labPaths(folder).lock), false);
});

test('a service that cannot start ends the start after stopping everything', async (context) => {
  const folder = temporaryFolder();
  await assert.rejects(
    lab(context, { dataDirectory: folder, topology: fixtureTopology(['postgres'], { DIE_AT_START: 'bad key' }) }),
    /first at .* ended with code 3 before it was ready: it said "fixture cannot start: bad key"/,
  );
  assertNothingRuns(folder);
});

test('an aborted start stops what it has started', async (context) => {
  const folder = temporaryFolder();
  const abort = new AbortController();
  await assert.rejects(
    lab(context, {
      dataDirectory: folder,
      signal: abort.signal,
      onEvent: (event) => {
        if (event.type === 'state' && event.component === 'first') abort.abort();
      },
    }),
    /interrupted/,
  );
  assertNothingRuns(folder);
});

test('an external part that does not answer is named with its address, its variable and no password', async (context) => {
  const port = await findFreePorts(1);
  await assert.rejects(
    lab(context, {
      parts: 'auto',
      environment: {
        PATH: process.env['PATH'],
        POSTGRES_URL: `postgres://admin:hidden@127.0.0.1:${port}/postgres`,
        REDIS_URL: `redis://127.0.0.1:${port}`,
        AMQP_URL: `amqp://127.0.0.1:${port}`,
      },
      topology: fixtureTopology(['postgres']),
    }),
    (error: Error) => {
      assert.match(error.message, new RegExp(`^postgres at 127\\.0\\.0\\.1:${port} did not accept .* POSTGRES_URL`));
      assert.doesNotMatch(error.message, /hidden/);
      return true;
    },
  );
});

/** Waits for the fixture's "up", and fails when it ends or stays silent instead. */
async function firstOutput(supervisor: ChildProcessByStdio<null, Readable, null>): Promise<void> {
  const up = once(supervisor.stdout, 'data').then(() => true);
  const ended = once(supervisor, 'exit').then(() => false);
  const late = new Error('the fixture supervisor was not up after 30 s');
  assert.ok(await within(30_000, Promise.race([up, ended]), () => late), 'the fixture supervisor ended');
}

async function killedSupervisor(): Promise<{ folder: string; portBase: number }> {
  const folder = temporaryFolder();
  const portBase = await findPortBase();
  const script = join(import.meta.dirname, 'fixtures', 'supervisor.ts');
  const supervisor = spawn(nodeBinary, [script, folder, String(portBase)], { stdio: ['ignore', 'pipe', 'inherit'] });
  await firstOutput(supervisor);
  supervisor.kill('SIGKILL');
  await once(supervisor, 'exit');
  assert.ok(processesMarked(folder).length >= 3, 'the orphans should be there for this test to mean anything');
  return { folder, portBase };
}

test('a start after the supervisor was killed ends the orphans first and keeps the data', async (context) => {
  const { folder, portBase } = await killedSupervisor();
  const orphans = processesMarked(folder);
  const { mesh } = await lab(context, { dataDirectory: folder, portBase });
  assert.deepEqual(
    allProcesses().filter((row) => orphans.includes(row.pid) && row.state !== 'Z'),
    [],
  );
  await mesh.stop();
  assertNothingRuns(folder);
});

async function command(script: string, folder: string): Promise<{ code: unknown; output: string }> {
  const child = spawn(nodeBinary, [join(repositoryRoot, 'infra/lab/src', script)], {
    env: { ...process.env, LAB_DIRECTORY: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const [code] = (await once(child, 'exit')) as unknown[];
  return { code, output };
}

test('stop ends what a killed supervisor left, and status tells of it first', async () => {
  const { folder } = await killedSupervisor();
  assert.match((await command('status.ts', folder)).output, /its supervisor was killed and left 4 processes/);
  const { code, output } = await command('stop.ts', folder);
  assert.equal(code, 0);
  assert.match(output, /stopped the \d+ processes it had left/);
  assertNothingRuns(folder);
});

test('status shows every component, stop ends the running lab, and both are calm when nothing runs', async (context) => {
  const folder = temporaryFolder();
  const portBase = await findPortBase();
  const script = join(import.meta.dirname, 'fixtures', 'supervisor.ts');
  const supervisor = spawn(nodeBinary, [script, folder, String(portBase)], { stdio: ['ignore', 'pipe', 'inherit'] });
  context.after(() => supervisor.kill('SIGKILL'));
  await firstOutput(supervisor);
  const status = await command('status.ts', folder);
  assert.equal(status.code, 0);
  for (const name of ['postgres', 'redis', 'first', 'second'])
    assert.match(status.output, new RegExp(`ready +${name} `));
  assert.match(status.output, /stand-in: Stripe: a fixture/);
  const stopped = await command('stop.ts', folder);
  assert.deepEqual(stopped, { code: 0, output: 'Stopping…\nStopped; nothing is left running.\n' });
  assertNothingRuns(folder);
  assert.deepEqual(await command('stop.ts', folder), { code: 0, output: 'Ballast is not running.\n' });
  assert.deepEqual(await command('status.ts', folder), { code: 0, output: 'Ballast is not running.\n' });
});

test('a recorded pid that now belongs to somebody else is left alone', async (context) => {
  const { folder } = await killedSupervisor();
  const bystander = spawn('sleep', ['1000'], { stdio: 'ignore' });
  context.after(() => bystander.kill('SIGKILL'));
  const { pid } = bystander;
  assert.ok(pid !== undefined);
  const paths = labPaths(folder);
  const written = readFileSync(paths.state, 'utf8');
  // Redis overwrites the environment it was started with, so without its recorded pid nothing tells whose it is.
  const recorded = [...written.matchAll(/"pid": (\d+)/g)].map((match) => Number(match[1]));
  const left = allProcesses().filter((row) => recorded.includes(row.pid) && row.state !== 'Z');
  context.after(() => {
    for (const row of allProcesses())
      if (left.some((known) => known.pid === row.pid && known.startTime === row.startTime)) send(row.pid, 'SIGKILL');
  });
  const state = written.replaceAll(/"pid": \d+,\s+"startTime": "\d+"/g, `"pid": ${pid}, "startTime": "1"`);
  writeFileSync(paths.state, state);
  await command('stop.ts', folder);
  assertNothingRuns(folder);
  assert.equal(send(pid, 'SIGCONT'), true);
  assert.equal(bystander.exitCode, null);
  assert.equal(bystander.signalCode, null);
});

test('nothing secret is written outside the secrets file and the parts’ own configuration', async (context) => {
  const { folder } = await lab(context);
  const paths = labPaths(folder);
  const secrets = JSON.parse(readFileSync(paths.secrets, 'utf8')) as { redis: string; postgresAdmin: string };
  const texts = [paths.state, ...readdirSync(paths.logs).map((file) => join(paths.logs, file))];
  for (const text of texts) {
    const content = readFileSync(text, 'utf8');
    assert.ok(!content.includes(secrets.redis) && !content.includes(secrets.postgresAdmin), text);
  }
});
