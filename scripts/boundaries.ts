/** `node scripts/boundaries.ts`: who may import whom, as docs and architecture say. One line per violation, exit code 1. */
import { join, resolve } from 'node:path';
import { checkBoundaries } from './boundaries/check.ts';
import { blindSpots } from './boundaries/self-test.ts';

const root = resolve(import.meta.dirname, '..');
const { violations, filesRead } = checkBoundaries(root);
const complaints = [
  ...blindSpots(join(import.meta.dirname, 'boundaries-fixtures')),
  ...violations.map(({ file, line, subject, rule, reason }) => `${file}:${line} ${subject}: ${rule} (${reason})`),
  ...(filesRead === 0 ? ['the boundary check found no file to read'] : []),
];

for (const complaint of complaints) console.error(complaint);
if (complaints.length > 0) {
  process.exitCode = 1;
} else {
  console.log(`${filesRead} files keep the import rules; every planted violation was seen`);
}
