/**
 * Proves that the boundary check sees: beside it lies a small repository in which every rule is broken once. Each line that
 * breaks a rule ends in `// planted: <rule>`, a package.json says it in a field `planted`. Every one must be reported, and
 * nothing else.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkBoundaries } from './check.ts';
import { importRules, otherRules } from './rules.ts';

type Planted = { file: string; line: number; rule: string };

/** Checks the planted repository at `root`; answers with a sentence for everything the check gets wrong there. */
export function blindSpots(root: string): string[] {
  const planted = readPlanted(root);
  const found = checkBoundaries(root).violations;
  const rules = [...Object.keys(importRules), ...Object.values(otherRules)];
  return [
    ...rules
      .filter((rule) => !planted.some((plant) => plant.rule === rule))
      .map((rule) => `the boundary check is blind to rule "${rule}": nothing is planted against it`),
    ...planted
      .filter((plant) => !found.some((violation) => isSame(plant, violation)))
      .map(({ rule, file, line }) => `the boundary check is blind to rule "${rule}": planted in ${file}:${line}`),
    ...found
      .filter((violation) => !planted.some((plant) => isSame(plant, violation)))
      .map(({ rule, file, line }) => `the boundary check sees "${rule}" in ${file}:${line}, where nothing is planted`),
  ];
}

function isSame(plant: Planted, violation: Planted): boolean {
  // In a package.json the line moves with the formatting; one plant per rule and file is enough there.
  const sameLine = plant.file.endsWith('.json') || plant.line === violation.line;
  return plant.file === violation.file && plant.rule === violation.rule && sameLine;
}

function readPlanted(root: string): Planted[] {
  return globSync('**/*.{ts,tsx,json}', { cwd: root }).flatMap((path) => {
    const file = path.replaceAll('\\', '/');
    const text = readFileSync(join(root, file), 'utf8');
    if (file.endsWith('.json')) {
      const { planted = [] } = JSON.parse(text) as { planted?: readonly string[] };
      return planted.map((rule) => ({ file, line: 1, rule }));
    }
    return text.split('\n').flatMap((content, index) => {
      const rules = /\/\/ planted: (.+)$/.exec(content)?.[1] ?? '';
      return rules
        .split('; ')
        .filter((rule) => rule !== '')
        .map((rule) => ({ file, line: index + 1, rule }));
    });
  });
}
