/** The boundary check sees every way of importing, and its own blindness. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { checkBoundaries } from '../boundaries/check.ts';
import { readImports } from '../boundaries/imports.ts';
import { blindSpots } from '../boundaries/self-test.ts';

const fixtures = join(import.meta.dirname, '..', 'boundaries-fixtures');

function copyOfFixtures(test: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'ballast-boundaries-'));
  test.after(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(fixtures, folder, { recursive: true });
  return folder;
}

function edit(path: string, change: (text: string) => string): void {
  const before = readFileSync(path, 'utf8');
  const after = change(before);
  assert.notEqual(after, before, `${path} was not changed`);
  writeFileSync(path, after);
}

describe('reading imports', () => {
  const importsOf = (source: string): readonly (string | undefined)[] =>
    readImports('file.ts', source).imports.map(({ specifier }) => specifier);

  for (const source of [
    "import 'pg';",
    "import pg from 'pg';",
    "import * as pg from 'pg';",
    "import type { Pool } from 'pg';",
    "export { Pool } from 'pg';",
    "export * from 'pg';",
    "export type { Pool } from 'pg';",
    "await import('pg');",
    "type Pool = import('pg').Pool;",
    "function late() { return import('pg'); }",
    "const pg = require('pg');",
  ]) {
    it(`sees ${source}`, () => assert.deepEqual(importsOf(source), ['pg']));
  }

  it('takes no text and no comment for an import', () => {
    assert.deepEqual(importsOf('// import "pg"\nconst text = `import pg from "pg"`;'), []);
  });

  it('says when the name of an import is computed', () => {
    assert.deepEqual(importsOf('await import(name);'), [undefined]);
  });

  it('tells types from values', () => {
    const { imports } = readImports(
      'file.ts',
      "import type { A } from 'a';\nimport { type B } from 'b';\nimport { type C, d } from 'c';",
    );
    assert.deepEqual(
      imports.map(({ typeOnly, line }) => [typeOnly, line]),
      [
        [true, 1],
        [true, 2],
        [false, 3],
      ],
    );
  });

  for (const source of [
    'process.env.PORT;',
    "process['env'];",
    'globalThis.process.env;',
    'const { env } = process;',
    'const { ...all } = process;',
    "import { env } from 'node:process';",
  ]) {
    it(`sees the environment read by ${source}`, () => {
      assert.deepEqual(readImports('file.ts', source).environmentLines, [1]);
    });
  }

  it('takes another env for no environment', () => {
    assert.deepEqual(readImports('file.ts', 'import.meta.env; child.env; process.exit();').environmentLines, []);
  });

  it('refuses a file that it cannot parse', () => {
    assert.throws(() => readImports('broken.ts', 'import from'), /broken\.ts cannot be parsed/);
  });
});

describe('the self-test', () => {
  it('is content with the planted violations as they are', () => {
    assert.deepEqual(blindSpots(fixtures), []);
  });

  it('says so when a planted violation goes unseen', (test) => {
    const folder = copyOfFixtures(test);
    edit(join(folder, 'apps/shop/src/app.ts'), (text) => text.replace("import pg from 'pg';", "import pg from 'pgg';"));
    assert.deepEqual(blindSpots(folder), [
      'the boundary check is blind to rule "pg in stores only": planted in apps/shop/src/app.ts:6',
    ]);
  });

  it('says so when the check complains where nothing is planted', (test) => {
    const folder = copyOfFixtures(test);
    edit(join(folder, 'apps/shop/src/app.ts'), (text) => text.replace(' // planted: apps import libs only', ''));
    assert.deepEqual(blindSpots(folder), [
      'the boundary check sees "apps import libs only" in apps/shop/src/app.ts:2, where nothing is planted',
    ]);
  });

  it('says so when nothing is planted against a rule', (test) => {
    const folder = copyOfFixtures(test);
    edit(join(folder, 'apps/shop/src/app.ts'), (text) => text.replace(/^.*planted: imports are literal$/m, ''));
    assert.deepEqual(blindSpots(folder), [
      'the boundary check is blind to rule "imports are literal": nothing is planted against it',
    ]);
  });
});

it('names file, line and rule of a violation', (test) => {
  const folder = copyOfFixtures(test);
  writeFileSync(join(folder, 'apps/till/main.ts'), "\nimport { query } from '@ballast/shop';\n");
  const found = checkBoundaries(folder).violations.filter(({ file }) => file === 'apps/till/main.ts');
  assert.deepEqual(
    found.map(({ line, subject, rule }) => [line, subject, rule]),
    [
      [2, 'imports @ballast/shop', 'nobody imports an app'],
      [2, 'imports @ballast/shop', 'workspace imports are declared'],
    ],
  );
});
