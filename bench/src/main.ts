/** `npm run bench -- [names…] [--rounds 5] [--seconds 3]`: measures, on parts of its own, and prints tables. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { childProcesses } from './measure.ts';

const home = join(import.meta.dirname, '..');
const names = ['bff', 'claims', 'sagas', 'devices', 'orders', 'page'] as const;
type Name = (typeof names)[number];
const usage = `npm run bench -- [${names.join('] [')}] [--rounds 5] [--seconds 3]`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    help: { type: 'boolean', default: false },
  },
});
const chosen = positionals.length === 0 ? names : positionals;
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const unknown = chosen.find((name) => !names.includes(name as Name));
if (values.help) {
  console.log(usage);
} else if (unknown !== undefined || !(rounds >= 1) || !(seconds > 0)) {
  console.error(
    unknown === undefined ? 'rounds and seconds are numbers above zero' : `there is no benchmark "${unknown}"`,
  );
  console.error(usage);
  process.exitCode = 1;
} else if (installPeers()) {
  await run();
} else {
  process.exitCode = 1;
}

/** Peers are installed for this package alone, the first time it is used. */
function installPeers(): boolean {
  if (existsSync(join(home, 'node_modules/.package-lock.json'))) return true;
  console.error('installing the peers…');
  const { status } = spawnSync('npm', ['install', '--no-save', '--loglevel=error', '--no-fund', '--no-audit'], {
    cwd: home,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) console.error('The peers could not be installed; run "npm install" in bench/ to see why.');
  return status === 0;
}

async function run(): Promise<void> {
  const say = (line: string): void => console.error(line);
  console.log(machine());
  await runOnParts(
    chosen.filter((name) => name !== 'orders' && name !== 'page'),
    say,
  );
  // Orders have a mesh of their own, with parts of its own: nothing else is alive meanwhile.
  if (chosen.includes('orders')) {
    const { ordersBench } = await import('./orders.ts');
    console.log(`\n${await ordersBench({ rounds, roundMs: seconds * 1000, say })}`);
  }
  if (chosen.includes('page')) {
    const { pageBench } = await import('./page.ts');
    console.log(`\n${await pageBench({ rounds, roundMs: seconds * 1000, say })}`);
  }
}

async function runOnParts(wanted: readonly string[], say: (line: string) => void): Promise<void> {
  if (wanted.length === 0) return;
  const { guarded, startParts } = await import('@ballast/lab');
  say('starting parts');
  // With every commit flushed to disk, as `npm start` has it, for us and for the peers alike.
  const { thing: parts, close } = await guarded(
    () => startParts({ durable: true }),
    (started) => started.stop(),
  );
  // What helps tests to databases of their own helps here, too.
  Object.assign(process.env, parts.environment);
  const { postgres, rabbitmq, redis } = parts.urls;
  const context = {
    urls: { postgres: postgres!, rabbitmq: rabbitmq!, redis: redis! },
    parts: childProcesses(),
    rounds,
    roundMs: seconds * 1000,
    say,
  };
  try {
    const benches: Record<Exclude<Name, 'orders' | 'page'>, () => Promise<string>> = {
      bff: async () => (await import('./bff.ts')).bffBench(context),
      claims: async () => (await import('./claims.ts')).claimsBench(context),
      sagas: async () => (await import('./saga.ts')).sagaBench(context),
      devices: async () => (await import('./devices.ts')).devicesBench(context),
    };
    for (const name of wanted) console.log(`\n${await benches[name as keyof typeof benches]()}`);
  } finally {
    await close();
  }
}

/** What the figures were measured on, and how busy it was with other things. */
function machine(): string {
  const [minute] = loadavg();
  const date = new Date().toISOString().slice(0, 10);
  const load = minute!.toFixed(1);
  return `${date}, ${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), Node ${process.versions.node}, load before it began ${load}; ${rounds} rounds of ${seconds} s: median (least–most)`;
}
