/** Packages from bundles: the same exports out of a fraction of the files. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { type BundledPackages, bundlePackages } from '../src/index.ts';
import { nodeBinary, repositoryRoot } from '../src/paths.ts';

const run = promisify(execFile);
const fixture = join(import.meta.dirname, 'fixtures', 'exports.ts');

type Exported = { files: number; packages: Record<string, Record<string, string>> };

describe('packages from bundles', () => {
  let bundled: BundledPackages;
  before(async () => {
    bundled = await bundlePackages();
  });

  async function exported(preloads: readonly string[], environment = bundled.environment): Promise<Exported> {
    const index = bundled.environment['BUNDLED_PACKAGES']!;
    const { stdout } = await run(nodeBinary, [...preloads, fixture, index], {
      cwd: repositoryRoot,
      env: { PATH: process.env['PATH'], ...environment },
    });
    return JSON.parse(stdout) as Exported;
  }

  it('export what the packages do, out of a twentieth of their files', async () => {
    const [original, fromBundles] = await Promise.all([exported([]), exported(bundled.arguments)]);
    for (const names of Object.values(original.packages)) delete names['module.exports'];
    assert.deepEqual(fromBundles.packages, original.packages);
    assert.ok(Object.keys(original.packages).length > 20);
    assert.ok(fromBundles.files * 20 < original.files, `${fromBundles.files} files instead of ${original.files}`);
  });

  it('are not missed where somebody has cleared the cache', async () => {
    const { files } = await exported(bundled.arguments, {
      BUNDLED_PACKAGES: join(repositoryRoot, 'no-such-index.json'),
    });
    assert.ok(files > 1000, `${files} files`);
  });

  it('are what services import', async () => {
    const { packages } = await exported(bundled.arguments);
    const urls = Object.keys(packages).join('\n');
    for (const name of ['fastify', 'pg', 'ioredis', 'amqplib', 'undici', 'typebox']) {
      assert.match(urls, new RegExp(`/node_modules/${name}/`));
    }
  });
});
