/** The process: its configuration, and that nothing is forgotten when it is killed. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { until } from '@ballast/testing';
import { Toxiproxy } from 'toxiproxy-node-client';
import { open, startUpstream } from './support.ts';

const main = join(import.meta.dirname, '../src/main.ts');

interface Run {
  child: ChildProcess;
  said: () => string;
  /** Resolves to its exit code once it has ended and all that it has said is there. */
  end: () => Promise<number>;
}

function run(t: TestContext, environment: Record<string, string>): Run {
  const child = spawn(process.execPath, [main], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  child.stdout?.on('data', (chunk) => (text += String(chunk)));
  child.stderr?.on('data', (chunk) => (text += String(chunk)));
  t.after(() => child.kill('SIGKILL'));
  let closed: { code: number | null } | undefined;
  child.on('close', (code) => (closed = { code }));
  const end = async (): Promise<number> => {
    const { code } = await until('it to end', () => closed);
    assert.ok(code !== null, 'it was ended by a signal');
    return code;
  };
  return { child, said: () => text, end };
}

function file(t: TestContext, proxies: unknown): string {
  const folder = mkdtempSync(join(tmpdir(), 'ballast-toxiproxy-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'proxies.json');
  writeFileSync(path, JSON.stringify(proxies));
  return path;
}

async function apiUrl(said: () => string): Promise<string> {
  return await until('it to listen', () => /Server listening at (http:[^"]+)"/.exec(said())?.[1]);
}

test('after a kill and a new start every link of its file is there again', async (t) => {
  const upstream = await startUpstream(t, { echo: true });
  const config = file(t, [{ name: 'shop.redis', listen: '127.0.0.1:0', upstream: upstream.address, enabled: true }]);
  for (let start = 0; start < 2; start += 1) {
    const { child, said } = run(t, { PORT: '0', TOXIPROXY_CONFIG: config });
    const link = await new Toxiproxy(await apiUrl(said)).get('shop.redis');
    const client = await open(t, link.listen);
    client.socket.write('hello');
    await client.receives('hello');
    child.kill('SIGKILL');
    await client.closes();
  }
});

test('SIGTERM ends it with exit code 0 although connections are open', async (t) => {
  const upstream = await startUpstream(t, { echo: true });
  const config = file(t, [{ name: 'shop.redis', listen: '127.0.0.1:0', upstream: upstream.address }]);
  const { child, said, end } = run(t, { PORT: '0', TOXIPROXY_CONFIG: config });
  const link = await new Toxiproxy(await apiUrl(said)).get('shop.redis');
  const client = await open(t, link.listen);
  client.socket.write('hello');
  await client.receives('hello');
  child.kill('SIGTERM');
  assert.equal(await end(), 0);
});

test('says in one sentence what is wrong with its configuration', async (t) => {
  const cases: [Record<string, string>, RegExp][] = [
    [{}, /PORT is missing/],
    [{ PORT: '0', TOXIPROXY_CONFIG: '/nowhere.json' }, /TOXIPROXY_CONFIG \/nowhere\.json: ENOENT/],
    [{ PORT: '0', TOXIPROXY_CONFIG: file(t, [{ name: 'x' }]) }, /missing required field: upstream at proxy 1/],
    [
      { PORT: '0', TOXIPROXY_CONFIG: file(t, [{ name: 'x', listen: '192.0.2.1:1', upstream: 'a:1' }]) },
      /listen tcp 192\.0\.2\.1:1/,
    ],
  ];
  for (const [environment, expected] of cases) {
    const { said, end } = run(t, environment);
    assert.equal(await end(), 1);
    assert.match(said(), expected);
  }
});
