/** `node infra/grafana/generate.ts`: writes dashboards/<board>.json from the panels in libs/contracts. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { boards } from '@ballast/contracts';
import { dashboard } from './dashboard.ts';

const formatter = join(import.meta.dirname, '../../node_modules/.bin/oxfmt');

for (const board of boards) {
  const file = join(import.meta.dirname, 'dashboards', `${board.id}.json`);
  writeFileSync(file, `${JSON.stringify(dashboard(board), null, 2)}\n`);
  execFileSync(formatter, [file]);
  console.log(`wrote ${file}`);
}
