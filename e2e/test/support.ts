/** A whole mesh for end-to-end tests: ports, data and parts of its own, gone at the end of the process. */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after } from 'node:test';
import { createShopper, verdict, type Placed, type Shopper } from '@ballast/campaign';
import { demoAccounts, isPortFree, startMesh, type LabEvent, type Mesh } from '@ballast/lab';
import pg from 'pg';

export interface TestMesh {
  mesh: Mesh;
  shopper: Shopper;
  /** Everything the mesh reported, oldest first. */
  events: LabEvent[];
  dataDirectory: string;
  /** Rows as an administrator sees them. */
  rows<Row extends object = Record<string, unknown>>(query: string, values?: unknown[]): Promise<Row[]>;
  /** Waits until all these orders have ended and judges the mesh; returns each order's state by id. Throws on any violation. */
  settle(placed: readonly Placed[]): Promise<Map<string, string>>;
}

/** `full` for tests that break links, judge, or drive the chaos page; `light` is the commerce path alone. */
export type Profile = 'full' | 'light';

/** How far above its base a mesh uses ports. */
const portsOfMesh = 700;

/**
 * Many customers share one address and one account here. The bucket of costly calls is as large as it always is, but
 * fills in five seconds instead of twenty: a journey waits for that.
 */
const unhurried = {
  RATE_LIMIT_BURST: '100000',
  RATE_LIMIT_PER_SECOND: '100000',
  CREDENTIALS_BURST: '100000',
  CREDENTIALS_PER_SECOND: '1000',
  EXPENSIVE_PER_SECOND: '2',
};

/** Half a second is more than a machine with twenty processes to every core can promise; the campaign holds it to that. */
const sharesItsMachine = { REPLICA_LAG_MS: '2000' };

type Started = { test: TestMesh; close: () => Promise<void> };

const started = new Map<Profile, Promise<Started>>();

/**
 * The mesh of this process, with a customer signed in; started when it is first asked for. Files that run in one process
 * share it, so each leaves it working, and stops or breaks nothing for longer than its own tests.
 */
export async function testMesh(profile: Profile): Promise<TestMesh> {
  if (!started.has(profile)) started.set(profile, start(profile));
  return (await started.get(profile)!).test;
}

after(
  async () => {
    // One that could not start has said so in the tests that wanted it.
    const meshes = await Promise.allSettled(started.values());
    await Promise.all(meshes.flatMap((mesh) => (mesh.status === 'fulfilled' ? [mesh.value.close()] : [])));
  },
  { timeout: 60_000 },
);

async function start(profile: Profile): Promise<Started> {
  const dataDirectory = await mkdtemp(join(import.meta.dirname, '../../.lab-e2e-'));
  const events: LabEvent[] = [];
  const mesh = await startMesh({
    dataDirectory,
    portBase: await freePortBase(),
    profile,
    serviceEnvironment: { bff: unhurried, ...(profile === 'full' ? { auditor: sharesItsMachine } : {}) },
    environment: process.env,
    parts: 'native',
    onEvent: (event) => events.push(event),
  });
  const shopper = await createShopper({
    bffUrl: mesh.urls['bff']!,
    identityUrl: mesh.urls['identity']!,
    ...demoAccounts[0]!,
  });
  // Tests restart the database under this pool; it connects again by itself.
  const admin = new pg.Pool({ connectionString: mesh.databaseUrl, max: 2 });
  admin.on('error', (error) => events.push({ type: 'log', component: 'test', level: 'warn', message: error.message }));

  const test: TestMesh = {
    mesh,
    shopper,
    events,
    dataDirectory,
    rows: async (query, values = []) => (await admin.query(query, values)).rows as never,
    settle: async (placed) => {
      const states = new Map<string, string>();
      await Promise.all(
        placed.map(async (order) => {
          states.set(order.orderId, (await shopper.end(order.orderId, 60_000)) ?? 'not ended');
        }),
      );
      const violations = await verdict(mesh, placed);
      if (violations.length > 0)
        throw new Error(violations.map(({ invariant, detail }) => `${invariant}: ${detail}`).join('\n'));
      return states;
    },
  };
  const close = async (): Promise<void> => {
    await admin.end();
    await shopper.close();
    await mesh.stop();
    await rm(dataDirectory, { recursive: true, force: true });
  };
  return { test, close };
}

/**
 * A base above which nothing of the mesh listens yet; out of the range the kernel hands out by itself. Files that run at
 * the same time are given ranges of their own, `TEST_PORT_RANGE`: a port is free until the mesh that chose it is up.
 */
export async function freePortBase(): Promise<number> {
  const [first, last] = (process.env['TEST_PORT_RANGE'] ?? '10000-29999').split('-').map(Number) as [number, number];
  const bases = Math.floor((last + 1 - first - portsOfMesh) / 100) + 1;
  for (let tries = 0; tries < 50; tries += 1) {
    const base = first + Math.floor(Math.random() * bases) * 100;
    const offsets = [0, 1, 2, 3, 4, 5, 10, 12, 15, 200, 379, 432, 672];
    const free = await Promise.all(offsets.map((offset) => isPortFree(base + offset)));
    if (free.every(Boolean)) return base;
  }
  throw new Error('no free range of ports found');
}

/** What became of each payment method, counted. */
export function endsByMethod(placed: readonly Placed[], states: ReadonlyMap<string, string>): Record<string, string[]> {
  const ends: Record<string, string[]> = {};
  for (const order of placed) (ends[order.payment.method] ??= []).push(states.get(order.orderId) ?? 'unknown');
  return ends;
}
