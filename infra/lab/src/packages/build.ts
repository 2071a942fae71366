/**
 * `node build.ts <folder>`: bundles every package that a service of this checkout imports into `folder`, one file for each import
 * and others for what several share, with `index.json`: the address of a package's file → the name of its bundle.
 */
import { globSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Plugin, rolldown } from 'rolldown';
import { repositoryRoot } from '../paths.ts';

/** Imports start from these. The pages are bundled by Vite; a library's tests start from the library. */
const entries = ['apps/*/src/main.ts', 'infra/stand-ins/*/src/main.ts', 'libs/*/src/index.ts'];
const prefix = 'bundled:';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('Say where to: node build.ts <folder>');

const imported = await importedFiles();
const names = new Map([...imported].map(([file, specifier]) => [nameOf(specifier, file), file]));
const bundle = await rolldown({
  cwd: repositoryRoot,
  platform: 'node',
  input: Object.fromEntries([...names.keys()].map((name) => [name, `${prefix}${name}`])),
  plugins: [standingFor(names), keepingPlaces()],
  // Packages probe for what may be missing.
  logLevel: 'silent',
});
await bundle.write({ dir: folder, format: 'esm', entryFileNames: '[name].mjs', chunkFileNames: 'shared-[hash].mjs' });
const index = [...names].map(([name, file]) => [pathToFileURL(file).href, `${name}.mjs`]);
writeFileSync(join(folder, 'index.json'), JSON.stringify(Object.fromEntries(index), undefined, 2));
// A package that was loaded for its names may hold a timer.
process.exit();

/** The packages' files that sources of ours import, each with the specifier. */
async function importedFiles(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const scan = await rolldown({
    cwd: repositoryRoot,
    platform: 'node',
    input: globSync(entries, { cwd: repositoryRoot }).map((file) => join(repositoryRoot, file)),
    plugins: [
      {
        name: 'imported files',
        async resolveId(specifier, importer) {
          const isOurs = importer === undefined || /^(\.|\/|@ballast\/)/.test(specifier);
          if (isOurs || isBuiltin(specifier)) return null;
          const file = await this.resolve(specifier, importer, { skipSelf: true });
          if (file !== null && file.external === false) found.set(file.id, specifier);
          return { id: specifier, external: true };
        },
      },
    ],
    logLevel: 'silent',
  });
  await scan.generate();
  return found;
}

/** Two versions of a package are two bundles. */
function nameOf(specifier: string, file: string): string {
  const place = dirname(relative(repositoryRoot, file)).split('node_modules/')[0]!;
  return `${place}${specifier}`.replaceAll(/[^\w.-]+/g, '-').replace(/^-/, '');
}

/** A module for each import, which exports by name what Node makes of the package: of CommonJS too, where a bundle has a default only. */
function standingFor(files: ReadonlyMap<string, string>): Plugin {
  return {
    name: 'standing for',
    resolveId: (specifier) => (specifier.startsWith(prefix) ? `${specifier}.mjs` : null),
    async load(id) {
      if (!id.startsWith(prefix)) return null;
      const file = files.get(id.slice(prefix.length, -'.mjs'.length))!;
      const exported = Object.keys((await import(pathToFileURL(file).href)) as object);
      const from = JSON.stringify(file);
      if (!exported.includes('module.exports')) {
        return `export * from ${from};${exported.includes('default') ? ` export { default } from ${from};` : ''}`;
      }
      const named = exported.filter((name) => name !== 'default' && name !== 'module.exports');
      const constants = named.map(
        (name, at) => `const _${at} = all[${JSON.stringify(name)}]; export { _${at} as ${name} };`,
      );
      return `import all from ${from}; export default all; ${constants.join(' ')}`;
    },
  };
}

/** Packages that look for files beside theirs find them where they were. */
function keepingPlaces(): Plugin {
  return {
    name: 'keeping places',
    transform: {
      filter: { code: /\bimport\.meta\.(url|dirname|filename)\b|\b__(dirname|filename)\b/ },
      handler(code, id) {
        if (id.startsWith(prefix)) return null;
        const [file, parent] = [JSON.stringify(id), JSON.stringify(dirname(id))];
        if (!/^\s*(import|export)\b/m.test(code)) return `var __filename = ${file}, __dirname = ${parent}; ${code}`;
        return code
          .replaceAll(/\bimport\.meta\.url\b/g, JSON.stringify(pathToFileURL(id).href))
          .replaceAll(/\bimport\.meta\.filename\b/g, file)
          .replaceAll(/\bimport\.meta\.dirname\b/g, parent);
      },
    },
  };
}
