/** Applies the import rules to every source file and package.json of a repository. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readImports } from './imports.ts';
import {
  declarationRules,
  importRules,
  isTestCode,
  mayReadEnvironment,
  otherRules,
  type Situation,
  tagProblem,
} from './rules.ts';
import { readWorkspaces, type Workspace, type Workspaces } from './workspaces.ts';

/** Something that breaks a rule. `line` counts from 1; in a package.json it is the line of the dependency or tag. */
export type Violation = { file: string; line: number; subject: string; rule: string; reason: string };

/** `bench` is a package of its own, outside the workspaces: nothing of the product may import it. */
const notOurs = /(^|\/)(node_modules|dist[^/]*|\.[^/]+|boundaries-fixtures)(\/|$)|^bench(\/|$)/;

/** Checks the repository at `root`. */
export function checkBoundaries(root: string): { violations: readonly Violation[]; filesRead: number } {
  const workspaces = readWorkspaces(root);
  const files = globSync('**/*.{ts,tsx,mts,js,mjs,jsx}', { cwd: root, exclude: (path) => notOurs.test(path) })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !notOurs.test(path))
    .toSorted();
  return {
    violations: [
      ...files.flatMap((file) => checkFile(root, file, workspaces)),
      ...workspaces.all
        .filter(({ directory }) => directory !== '')
        .flatMap((workspace) => checkManifest(root, workspace, workspaces)),
    ],
    filesRead: files.length,
  };
}

function checkFile(root: string, file: string, workspaces: Workspaces): Violation[] {
  const importer = workspaces.owner(file);
  const isTest = isTestCode(file, importer);
  const { imports, environmentLines } = readImports(file, readFileSync(join(root, file), 'utf8'));
  return [
    ...imports.flatMap(({ specifier, line, typeOnly }): Violation[] => {
      if (specifier === undefined) {
        const reason = 'nobody can say what this one imports';
        return isTest || /^(infra|scripts)\//.test(file)
          ? []
          : [{ file, line, subject: 'imports a computed name', rule: otherRules.computed, reason }];
      }
      return judge(
        { file, specifier, typeOnly, isTest, importer, workspaces, ...named(specifier, workspaces) },
        line,
        Object.keys(importRules),
      );
    }),
    ...(mayReadEnvironment(file, importer) ? [] : environmentLines).map((line) => ({
      file,
      line,
      subject: 'reads process.env',
      rule: otherRules.environment,
      reason: 'one file validates all settings at the start',
    })),
  ];
}

function checkManifest(root: string, workspace: Workspace, workspaces: Workspaces): Violation[] {
  const file = `${workspace.directory}/package.json`;
  const lines = readFileSync(join(root, file), 'utf8').split('\n');
  const lineOf = (text: string): number => lines.findIndex((line) => line.includes(`"${text}"`)) + 1 || 1;
  const wrongTags = tagProblem(workspace);
  const declared = (names: readonly string[], isTest: boolean): Violation[] =>
    names
      .filter((name) => workspaces.byName.has(name))
      .flatMap((specifier) =>
        judge(
          {
            file,
            specifier,
            typeOnly: false,
            isTest: isTest || isTestCode(file, workspace),
            importer: workspace,
            workspaces,
            ...named(specifier, workspaces),
          },
          lineOf(specifier),
          declarationRules,
        ),
      );
  return [
    ...(wrongTags === undefined
      ? []
      : [{ file, line: lineOf('tags'), subject: 'has wrong tags', rule: otherRules.tags, reason: wrongTags }]),
    ...declared(workspace.dependencies, false),
    ...declared(workspace.devDependencies, true),
  ];
}

function judge(situation: Situation, line: number, rules: readonly string[]): Violation[] {
  return rules.flatMap((rule) => {
    const reason = importRules[rule]?.(situation);
    return reason === undefined
      ? []
      : [{ file: situation.file, line, subject: `imports ${situation.specifier}`, rule, reason }];
  });
}

function named(specifier: string, workspaces: Workspaces): Pick<Situation, 'packageName' | 'target'> {
  const packageName = specifier.startsWith('node:')
    ? specifier
    : specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/');
  return { packageName, target: workspaces.byName.get(packageName) };
}
