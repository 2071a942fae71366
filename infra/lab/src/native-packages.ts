/**
 * Programs of Debian's packages: found where they are, else installed. Root installs with apt-get and no service is
 * started by it; anybody else gets the packages unpacked into `.lab/packages`, which leaves the machine as it was.
 */
import { execFile } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, delimiter, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { unpackedPackages } from './paths.ts';
import { describe, LabProblem } from './problem.ts';

const run = promisify(execFile);

/** What is looked for. `programs` are glob patterns below the root of a file system, best first. */
export type NativeProgram = {
  part: string;
  address: string;
  package: string;
  programs: readonly string[];
  /** The environment variable that names a thing to use instead. */
  variable: string;
  /** Look on PATH for the first program's file name too. */
  onPath?: boolean;
  onProgress: (message: string) => void;
};

/** Where a program is and what must be added to its environment. */
export type FoundProgram = { program: string; environment: Record<string, string> };

const installTimeout = 600_000;
const policyFile = '/usr/sbin/policy-rc.d';
const policyMark = '# Put here by Ballast while it installs a package; may be deleted.';

let installing: Promise<unknown> = Promise.resolve();

/** Answers where the program is, installing its package first where it is missing. @throws LabProblem when it cannot be had. */
export async function findOrInstall(wanted: NativeProgram): Promise<FoundProgram> {
  const found = find(wanted);
  if (found !== undefined) return found;
  // apt-get and the package folder take one at a time.
  const mine = installing.then(async () => await install(wanted));
  installing = mine.catch(() => undefined);
  await mine;
  const installed = find(wanted);
  if (installed !== undefined) return installed;
  throw problem(wanted, `package ${wanted.package} was installed but holds none of ${wanted.programs.join(', ')}`);
}

function find(wanted: NativeProgram): FoundProgram | undefined {
  const onPath = wanted.onPath === true ? searchPath(basename(wanted.programs[0] ?? '')) : undefined;
  const native = onPath ?? firstMatch('/', wanted.programs);
  if (native !== undefined) return { program: native, environment: { PATH: systemPath() } };
  const root = join(unpackedPackages, wanted.package);
  const unpacked = firstMatch(root, wanted.programs);
  if (unpacked === undefined) return undefined;
  const libraries = globSync(['usr/lib/*-linux-*', 'lib/*-linux-*', 'usr/lib'], { cwd: root });
  return {
    program: unpacked,
    environment: {
      PATH: [join(root, 'usr/bin'), join(root, 'usr/sbin'), systemPath()].join(delimiter),
      LD_LIBRARY_PATH: libraries.map((folder) => join(root, folder)).join(delimiter),
    },
  };
}

async function install(wanted: NativeProgram): Promise<void> {
  if (find(wanted) !== undefined) return;
  if (!existsSync('/usr/bin/apt-get')) throw problem(wanted, 'this system has no apt-get to install it with');
  const started = performance.now();
  const asRoot = process.getuid?.() === 0;
  wanted.onProgress(
    asRoot
      ? `installing Debian package ${wanted.package}`
      : `unpacking Debian package ${wanted.package} into .lab/packages`,
  );
  try {
    await (asRoot ? installAsRoot(wanted) : unpackAsUser(wanted));
  } catch (error) {
    throw problem(wanted, `apt-get could not install package ${wanted.package}: ${aptReason(error)}`, error);
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  wanted.onProgress(`${wanted.package} ${asRoot ? 'installed' : 'unpacked'} in ${seconds} s`);
}

async function installAsRoot(wanted: NativeProgram): Promise<void> {
  const removePolicy = forbidServiceStarts();
  const command = ['install', '--yes', '--no-install-recommends', wanted.package];
  try {
    try {
      await apt(command);
    } catch {
      // No package lists yet, or older than the mirror's files: the second try tells the real reason.
      wanted.onProgress('fetching package lists');
      await apt(['update']);
      await apt(command);
    }
  } finally {
    removePolicy();
  }
  await keepFromStartingAtBoot(wanted.package);
}

/** invoke-rc.d and deb-systemd-invoke ask this file; 101 means "not allowed" (Debian's policy-rc.d interface). */
function forbidServiceStarts(): () => void {
  const mine = existsSync(policyFile) && readFileSync(policyFile, 'utf8').includes(policyMark);
  if (existsSync(policyFile) && !mine) return () => undefined;
  writeFileSync(policyFile, `#!/bin/sh\n${policyMark}\nexit 101\n`, { mode: 0o755 });
  return () => rmSync(policyFile, { force: true });
}

async function keepFromStartingAtBoot(name: string): Promise<void> {
  if (!existsSync('/run/systemd/system')) return;
  await run('systemctl', ['disable', '--quiet', name], { timeout: 30_000 });
}

async function unpackAsUser(wanted: NativeProgram): Promise<void> {
  const target = join(unpackedPackages, wanted.package);
  const partial = `${target}.partial-${process.pid}`;
  const downloads = join(partial, 'downloads');
  mkdirSync(downloads, { recursive: true });
  try {
    let options: string[] = [];
    try {
      await download(wanted.package, downloads, options);
    } catch {
      // The machine's package lists are missing or old and only root may renew them: use lists of our own.
      wanted.onProgress('fetching package lists');
      options = await privateLists();
      await download(wanted.package, downloads, options);
    }
    for (const archive of globSync(join(downloads, '*.deb'))) {
      await run('dpkg-deb', ['-x', archive, partial], { timeout: installTimeout });
    }
    rmSync(downloads, { recursive: true });
    relocateErlang(partial, target);
    rmSync(target, { recursive: true, force: true });
    renameSync(partial, target);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

/** Downloads a package and those it needs that the machine does not have. */
async function download(name: string, folder: string, options: readonly string[]): Promise<void> {
  const plan = await apt([...options, '--simulate', '--no-install-recommends', 'install', name]);
  const packages = [...plan.matchAll(/^Inst (\S+)/gm)].map((match) => match[1] ?? '');
  await apt([...options, 'download', ...packages], folder);
}

async function privateLists(): Promise<string[]> {
  const state = join(unpackedPackages, 'apt');
  for (const folder of ['lists/partial', 'cache/archives/partial']) {
    mkdirSync(join(state, folder), { recursive: true });
  }
  const options = ['-o', `Dir::State::lists=${join(state, 'lists')}`, '-o', `Dir::Cache=${join(state, 'cache')}`];
  await apt([...options, 'update']);
  return options;
}

/** Erlang's start script knows where it was installed; it must know the new place. */
function relocateErlang(root: string, finalRoot: string): void {
  for (const script of globSync('usr/lib/erlang/{bin,erts-*/bin}/{erl,start}', { cwd: root })) {
    const path = realpathSync(join(root, script));
    const moved = readFileSync(path, 'utf8').replace(
      /^(\s*ROOTDIR=).*$/gm,
      (_, assignment: string) => `${assignment}"${join(finalRoot, 'usr/lib/erlang')}"`,
    );
    writeFileSync(path, moved);
  }
}

async function apt(args: readonly string[], workingDirectory = '/'): Promise<string> {
  const { stdout } = await run('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=300', ...args], {
    cwd: workingDirectory,
    timeout: installTimeout,
    maxBuffer: 64 * 1024 * 1024,
    env: {
      PATH: systemPath(),
      HOME: '/tmp',
      LC_ALL: 'C.UTF-8',
      DEBIAN_FRONTEND: 'noninteractive',
      NEEDRESTART_SUSPEND: '1',
    },
  });
  return stdout;
}

function aptReason(error: unknown): string {
  const output = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
  const lines = output.split('\n').filter((line) => /^[EW]: /.test(line));
  return lines.findLast((line) => line.startsWith('E: '))?.slice(3) ?? describe(error);
}

function problem(wanted: NativeProgram, reason: string, cause?: unknown): LabProblem {
  return new LabProblem(
    wanted.part,
    `${wanted.part} for ${wanted.address} is not on this machine, and ${reason}; install "${wanted.package}" yourself, or set ${wanted.variable} to one you have.`,
    { cause },
  );
}

function firstMatch(root: string, patterns: readonly string[]): string | undefined {
  return patterns
    .flatMap((pattern) => globSync(pattern, { cwd: root }).toSorted().toReversed())
    .map((match) => join(root, match))
    .find(isExecutable);
}

function searchPath(name: string): string | undefined {
  return systemPath()
    .split(delimiter)
    .filter((folder) => isAbsolute(folder))
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** The PATH of this process with the usual places added: daemons live in sbin, which users often lack. */
function systemPath(): string {
  const usual = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
  const given = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...new Set([...given, ...usual])].join(delimiter);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Missing or not ours to run: look on.
    return false;
  }
}
