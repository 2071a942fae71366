/** Builds the pages into apps/storefront/dist when their sources are newer than the last build. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot, nodeBinary } from './paths.ts';
import { plainEnvironment } from './parts/part.ts';
import { describe, hasCode, LabProblem } from './problem.ts';

const run = promisify(execFile);
const buildTimeout = 120_000;
const storefront = join(repositoryRoot, 'apps', 'storefront');
const sources = [
  'apps/storefront/src',
  'apps/storefront/public',
  'apps/storefront/index.html',
  'apps/storefront/vite.config.ts',
  'apps/storefront/package.json',
  'apps/storefront/build',
  // The page /lab lists the decisions on record.
  'docs/adr',
  'libs/contracts/src',
  'package-lock.json',
];

/** True when there are pages to build and the last build is missing or older than a source. */
export function storefrontIsStale(): boolean {
  if (!existsSync(join(storefront, 'index.html'))) return false;
  const built = join(storefront, 'dist', 'index.html');
  if (!existsSync(built)) return true;
  return newest(sources.map((path) => join(repositoryRoot, path))) > statSync(built).mtimeMs;
}

/** Builds the pages beside the old ones and swaps them in when complete. @throws LabProblem when the build fails. */
export async function buildStorefront(): Promise<void> {
  const fresh = join(storefront, `dist-${process.pid}`);
  const built = join(storefront, 'dist');
  const old = join(storefront, `dist-${process.pid}-old`);
  const vite = join(repositoryRoot, 'node_modules', 'vite', 'bin', 'vite.js');
  try {
    await run(nodeBinary, [vite, 'build', '--outDir', fresh, '--emptyOutDir', '--logLevel', 'error'], {
      cwd: storefront,
      env: { ...plainEnvironment(process.env), NODE_ENV: 'production' },
      timeout: buildTimeout,
    });
    swapIn(fresh, built, old);
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    throw new LabProblem(
      'storefront',
      `The pages in apps/storefront could not be built: ${said === '' ? describe(error) : said}`,
      { cause: error },
    );
  } finally {
    rmSync(fresh, { recursive: true, force: true });
    rmSync(old, { recursive: true, force: true });
  }
}

function swapIn(fresh: string, built: string, old: string): void {
  if (existsSync(built)) renameSync(built, old);
  try {
    renameSync(fresh, built);
  } catch (error) {
    // Another lab of this checkout built the same sources at the same time and was quicker.
    if (!hasCode(error, 'ENOTEMPTY') && !hasCode(error, 'EEXIST')) throw error;
  }
}

/** The latest modification among files and everything below folders, in milliseconds. */
function newest(paths: readonly string[]): number {
  return Math.max(
    0,
    ...paths
      .filter((path) => existsSync(path))
      .map((path) => {
        const found = statSync(path);
        if (!found.isDirectory()) return found.mtimeMs;
        return Math.max(found.mtimeMs, newest(readdirSync(path).map((entry) => join(path, entry))));
      }),
  );
}
