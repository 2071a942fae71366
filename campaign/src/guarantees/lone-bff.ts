/** Real bffs whose only service is a catalog: what the guarantees on limits and breakers are tried on. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { spawnService, testDatabase, testIdentity, type ServiceProcess } from '@ballast/testing';

export interface LoneBffs {
  bffs: readonly ServiceProcess[];
  close: () => Promise<void>;
}

const bffMain = join(import.meta.dirname, '../../../apps/bff/src/main.ts');
/** The discard port: nobody is there. */
const nowhere = 'http://127.0.0.1:9';

/** Starts `count` replicas on one database and waits until they are alive. They are not ready: services are missing. */
export async function loneBffs(
  count: number,
  catalogUrl: string,
  environment: Record<string, string>,
): Promise<LoneBffs> {
  const identity = await testIdentity();
  const database = await testDatabase({ schema: 'bff', sets: [] });
  // The same for all replicas, and another one in every run: it is in the names of their buckets.
  const secret = randomBytes(32).toString('hex');
  const bffs = await Promise.all(
    Array.from({ length: count }, (_, place) =>
      spawnService(bffMain, {
        INSTANCE: `bff-${place + 1}`,
        LAB_MODE: '1',
        LOG_LEVEL: 'warn',
        POSTGRES_URL: database.url,
        IDENTITY_URL: identity.url,
        CATALOG_URLS: catalogUrl,
        CHECKOUT_URLS: nowhere,
        PAYMENTS_URL: nowhere,
        CLAIMS_URL: nowhere,
        SESSION_SECRET: secret,
        ...environment,
      }),
    ),
  );
  const close = async (): Promise<void> => {
    await Promise.all(bffs.map((bff) => bff.end()));
    await database.drop();
    await identity.close();
  };
  try {
    await Promise.all(bffs.map(alive));
  } catch (error) {
    await close();
    throw error;
  }
  return { bffs, close };
}

async function alive(bff: ServiceProcess): Promise<void> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    if (bff.gone) throw new Error(`the bff has ended:\n${bff.lines.join('\n')}`);
    const answer = await fetch(`${bff.url}/healthz`, { signal: AbortSignal.timeout(1_000) }).catch(() => null);
    if (answer?.ok === true) return;
    if (performance.now() > deadline) throw new Error(`the bff is not alive:\n${bff.lines.join('\n')}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** One value of a bff's metrics, of the first series with `label` in it. NaN where there is none. */
export async function metric(bff: ServiceProcess, name: string, label = ''): Promise<number> {
  const text = await (await fetch(`${bff.url}/metrics`, { signal: AbortSignal.timeout(5_000) })).text();
  const line = text.split('\n').find((each) => each.startsWith(name) && each.includes(label));
  return line === undefined ? Number.NaN : Number(line.slice(line.lastIndexOf(' ') + 1));
}

/** The `share` quantile of some numbers, 0 for none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}
