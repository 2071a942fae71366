/**
 * `node scripts/run.mjs <file.ts> [arguments…]`: runs a file of this checkout on the pinned Node, whatever Node the machine
 * has, after installing the packages of package-lock.json when they are missing or others. Runs on Node 20 itself,
 * hence plain JavaScript without dependencies.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const lockFile = join(root, 'package-lock.json');
/** npm writes this at the end of a successful install; ours beside it says which lock file that was for. */
const installedLock = join(root, 'node_modules', '.package-lock.json');
const stamp = join(root, 'node_modules', '.ballast-lock-hash');
const nodeBinary = join(root, 'node_modules', 'node', 'bin', 'node');

/** A terminal's Ctrl-C arrives directly and again by way of npm. */
const sameKeyPress = 1000;

/** Without a network npm's own patience would look like a hang. */
const quickToGiveUp = ['--fetch-retries=1', '--fetch-retry-mintimeout=500', '--fetch-retry-maxtimeout=2000'];

const [file, ...args] = process.argv.slice(2);
if (file === undefined) {
  console.error('Say what to run: node scripts/run.mjs <file.ts> [arguments…]');
  process.exitCode = 1;
} else if (ensureInstalled()) {
  run(file, args);
} else {
  process.exitCode = 1;
}

/** Installs packages when needed; answers whether they are there. */
function ensureInstalled() {
  const wanted = createHash('sha256').update(readFileSync(lockFile)).digest('hex');
  if (isInstalled(wanted)) return true;
  const started = Date.now();
  process.stderr.write('installing packages…');
  // Not "npm ci": it refuses a lock file that leaves out packages of other platforms, which the lock file of a machine
  // whose registry does not carry them does. This installs the same versions and leaves the lock file as it is.
  const { status, signal, stderr, error } = spawnSync(
    'npm',
    ['install', '--no-save', '--loglevel=error', '--no-fund', '--no-audit', ...quickToGiveUp],
    { cwd: root, encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] },
  );
  if (status === 0 && existsSync(nodeBinary)) {
    process.stderr.write(` ${((Date.now() - started) / 1000).toFixed(0)} s\n`);
    writeFileSync(stamp, wanted);
    return true;
  }
  process.stderr.write('\n');
  if (signal !== null && error === undefined) console.error(`Installing packages was ended by ${signal}.`);
  else console.error(failure(status, stderr ?? '', error));
  return false;
}

/** True when node_modules holds what the lock file asks for. */
function isInstalled(wanted) {
  if (!existsSync(nodeBinary) || !existsSync(installedLock)) return false;
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return true;
  // Installed by hand with npm: compare what npm wrote down with what is asked for.
  if (!sameVersions()) return false;
  writeFileSync(stamp, wanted);
  return true;
}

/** True when every package of the lock file that this platform needs is installed in that version. */
function sameVersions() {
  const wanted = JSON.parse(readFileSync(lockFile, 'utf8')).packages;
  const installed = JSON.parse(readFileSync(installedLock, 'utf8')).packages;
  return Object.entries(wanted).every(([path, { version, optional, resolved, link }]) => {
    if (path === '' || !path.includes('node_modules/')) return true;
    const found = installed[path];
    if (found === undefined) return optional === true;
    return link === true ? found.resolved === resolved : found.version === version;
  });
}

function failure(status, stderr, error) {
  if (error?.code === 'ENOENT') {
    return 'Packages are not installed, and npm was not found to install them; install Node 20 or later with npm.';
  }
  const offline = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH/.exec(stderr);
  if (offline !== null) {
    return `Packages could not be installed: the package registry cannot be reached (${offline[0]}); connect to the network once and try again. Later starts need none.`;
  }
  const lines = stderr.split('\n').filter((line) => line.startsWith('npm error') && !line.includes('log of this run'));
  const reason = lines
    .map((line) => line.replace(/^npm error (code )?/, ''))
    .slice(0, 3)
    .join('; ');
  return `Packages could not be installed: "npm install" ended with code ${status}${reason === '' ? '' : ` (${reason})`}; run it by hand to see more.`;
}

/** Runs the file with this terminal and ends as it ends. */
function run(target, rest) {
  const bin = join(root, 'node_modules', '.bin');
  const child = spawn(nodeBinary, [join(root, target), ...rest], {
    stdio: 'inherit',
    // Children that ask for `node` get the pinned one too.
    env: { ...process.env, PATH: `${dirname(nodeBinary)}:${bin}:${process.env.PATH ?? ''}` },
  });
  let lastForwarded = 0;
  const forward = (signal) => {
    // Ctrl-C in a terminal reaches the child by itself, being in the same group.
    if (signal === 'SIGINT' && process.stdin.isTTY) return;
    if (Date.now() - lastForwarded < sameKeyPress) return;
    lastForwarded = Date.now();
    child.kill(signal);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, forward);
  child.once('error', (error) => {
    console.error(`The pinned Node in node_modules could not be started (${error.message}); run "npm install".`);
    process.exitCode = 1;
  });
  child.once('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
  });
}
