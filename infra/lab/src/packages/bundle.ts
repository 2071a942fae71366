/**
 * Bundles the npm packages that services import, once for each package-lock.json. They are some 1,300 files, and to find, read
 * and link them is a third of what a service's start costs. Sources of ours are not bundled: they run as written (docs/adr/0001 and 0032).
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { plainEnvironment } from '../parts/part.ts';
import { nodeBinary, repositoryRoot } from '../paths.ts';
import { describe, hasCode, LabProblem } from '../problem.ts';

const run = promisify(execFile);
const buildTimeout = 120_000;
const preload = join(import.meta.dirname, 'preload.ts');
const build = join(import.meta.dirname, 'build.ts');
const bundles = join(repositoryRoot, 'node_modules', '.cache', 'ballast-packages');

/** What to start Node with so that a process of ours imports packages from their bundles. */
export type BundledPackages = { arguments: readonly string[]; environment: Readonly<Record<string, string>> };

/** True when there is nothing to make. */
export function packagesAreBundled(): boolean {
  return existsSync(join(folderOf(), 'index.json'));
}

/** Makes the bundles unless they are there. @throws LabProblem when they cannot be made. */
export async function bundlePackages(): Promise<BundledPackages> {
  const folder = folderOf();
  if (!packagesAreBundled()) await make(folder);
  return {
    arguments: [`--import=${pathToFileURL(preload).href}`],
    environment: { BUNDLED_PACKAGES: join(folder, 'index.json') },
  };
}

/** Another one for whatever changes the bundles: which packages there are, where they lie, and how and by which Node they are bundled. */
function folderOf(): string {
  const lock = readFileSync(join(repositoryRoot, 'package-lock.json'));
  const parts = [lock, readFileSync(build), repositoryRoot, process.version];
  const key = parts.reduce((hash, part) => hash.update(part).update('\0'), createHash('sha256')).digest('hex');
  return join(bundles, key.slice(0, 16));
}

async function make(folder: string): Promise<void> {
  const fresh = `${folder}-${process.pid}`;
  try {
    mkdirSync(dirname(folder), { recursive: true });
    // A process of its own: to learn what a package exports it must be loaded.
    await run(nodeBinary, [build, fresh], {
      cwd: repositoryRoot,
      env: plainEnvironment(process.env),
      timeout: buildTimeout,
    });
    renameSync(fresh, folder);
  } catch (error) {
    // Another lab of this checkout made the same ones at the same time and was quicker.
    if (hasCode(error, 'ENOTEMPTY') || hasCode(error, 'EEXIST')) return;
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    throw new LabProblem('packages', `The packages could not be bundled: ${said === '' ? describe(error) : said}`, {
      cause: error,
    });
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}
