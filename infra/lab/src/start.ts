/** `npm start`: brings the mesh up, shows it, keeps it up, and takes it down again on Ctrl-C. */
import { parseArgs } from 'node:util';
import { readConfig } from './config.ts';
import { startMesh } from './mesh.ts';
import type { Mesh } from './mesh-options.ts';
import { partChoices, type PartChoice } from './parts/parts.ts';
import { describe, LabProblem } from './problem.ts';
import { Screen } from './screen.ts';
import { demoAccounts, profiles, type Profile } from './topology.ts';

const help = `npm start [-- options]: runs the whole mesh on this machine

  --fresh                              start on empty data
  --profile full|light                 light: the commerce path only
  --parts auto|native|docker|external  how PostgreSQL, Redis and RabbitMQ are had; auto takes URLs from
                                       POSTGRES_URL, REDIS_URL and AMQP_URL where set, else Docker if an
                                       engine answers, else native programs; Vault's stand-in runs unless
                                       VAULT_ADDR and VAULT_TOKEN name a real one
  --help                               show this

PORT_BASE (default 4000) moves all ports. "npm run status" shows what runs, "npm run stop" stops it.`;

type Arguments = { fresh: boolean; profile: Profile; parts: PartChoice; help: boolean };

/** A second signal of the same Ctrl-C may come by way of npm; a person's second one comes later. */
const sameKeyPress = 1000;

try {
  const given = readArguments(process.argv.slice(2));
  if (given.help) console.log(help);
  else await run(given);
} catch (error) {
  if (!(error instanceof LabProblem)) throw error;
  console.error(describe(error));
  process.exitCode = 1;
}

function readArguments(args: readonly string[]): Arguments {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        fresh: { type: 'boolean', default: false },
        profile: { type: 'string', default: 'full' },
        parts: { type: 'string', default: 'auto' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    return {
      fresh: values.fresh,
      help: values.help,
      profile: oneOf('--profile', values.profile, profiles),
      parts: oneOf('--parts', values.parts, partChoices),
    };
  } catch (error) {
    if (error instanceof LabProblem) throw error;
    const [sentence = ''] = describe(error).split('. ');
    throw new LabProblem('lab', `${sentence}; "npm start -- --help" shows what there is.`);
  }
}

function oneOf<T extends string>(option: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((candidate) => candidate === value);
  if (found !== undefined) return found;
  throw new LabProblem('lab', `${option} cannot be "${value}"; it is one of ${allowed.join(', ')}.`);
}

async function run({ fresh, profile, parts }: Arguments): Promise<void> {
  const config = readConfig(process.env);
  const screen = new Screen(process.stdout);
  const interruption = listenForSignals(screen);
  const started = performance.now();
  let ending = false;
  let mesh: Mesh;
  try {
    mesh = await startMesh({
      dataDirectory: config.dataDirectory,
      portBase: config.portBase,
      fresh,
      profile,
      parts,
      signal: interruption.signal,
      onEvent: (event) => {
        if (!ending) screen.event(event);
      },
    });
  } catch (error) {
    screen.finish();
    if (!interruption.signal.aborted) throw error;
    screen.line('Stopped before everything was up; nothing is left running.');
    return;
  }
  screen.finish();
  for (const line of welcome(mesh, (performance.now() - started) / 1000)) screen.line(line);
  await interruption.happened;
  ending = true;
  await mesh.stop();
  screen.finish();
  screen.line('Stopped; nothing is left running.');
}

function welcome(mesh: Mesh, seconds: number): string[] {
  return [
    '',
    `Ballast is up after ${seconds.toFixed(1)} s.`,
    '',
    ...Object.entries(mesh.pages).map(([name, url]) => `  ${name.padEnd(26)} ${url}`),
    '',
    '  accounts',
    ...demoAccounts.map(({ email, password }) => `    ${email.padEnd(24)} ${password}`),
    ...(mesh.standIns.length === 0
      ? []
      : ['', '  stand-ins in use', ...mesh.standIns.map((standIn) => `    ${standIn}`)]),
    '',
    'Ctrl-C or "npm run stop" stops all of it; "npm run status" shows it from another terminal.',
  ];
}

/** The first signal asks for an orderly stop; a later Ctrl-C ends this process, and the next start cleans up. */
function listenForSignals(screen: Screen): { signal: AbortSignal; happened: Promise<void> } {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<void>();
  let firstAt = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (!controller.signal.aborted) {
      firstAt = performance.now();
      screen.finish();
      screen.line('Stopping…');
      controller.abort();
      resolve();
    } else if (signal === 'SIGINT' && performance.now() - firstAt > sameKeyPress) {
      screen.finish();
      screen.line('Stopped at once; "npm run stop" or the next start ends what may be left.');
      process.exit(130);
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  // A closed terminal must not keep the mesh from being stopped.
  process.stdout.on('error', () => onSignal('SIGHUP'));
  return { signal: controller.signal, happened: promise };
}
