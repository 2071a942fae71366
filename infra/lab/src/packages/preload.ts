/**
 * Preloaded into every process of ours: imports packages from their bundles (see bundle.ts), where BUNDLED_PACKAGES names their
 * index, and writes what Node has compiled to NODE_COMPILE_CACHE once the process is up. By itself Node does so at an orderly end
 * only, which a process that is killed never reaches.
 */
import { existsSync, readFileSync } from 'node:fs';
import { flushCompileCache, registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';

const upAfter = 3000;
const index = process.env['BUNDLED_PACKAGES'];

// Whoever clears a cache while a mesh runs makes its next starts slower, no more.
if (index !== undefined && existsSync(index)) importFrom(index);
setTimeout(() => flushCompileCache(), upAfter).unref();

/** The index has, for the address of a package's file, the bundle that stands for it: a file beside the index. */
function importFrom(path: string): void {
  const entries = Object.entries(JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>);
  const bundles = new Map(entries.map(([url, file]) => [url, new URL(file, pathToFileURL(path)).href]));
  registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context);
      if (!found.url.includes('/node_modules/')) return found;
      // What packages import of each other is in the bundles already; who requires one wants what Node makes of `require`.
      if (context.parentURL?.includes('/node_modules/') === true || context.conditions.includes('require'))
        return found;
      const bundle = bundles.get(found.url);
      return bundle === undefined ? found : { ...found, url: bundle, format: 'module' };
    },
  });
}
