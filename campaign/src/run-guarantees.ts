/** Runs the checks of single guarantees one after the other, each on real parts, and prints what they measured. */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startMesh, startParts, type Mesh } from '@ballast/lab';
import { useParts } from './config.ts';
import { chooseGuarantees } from './guarantees/index.ts';

/** Resolves to whether all of them held. `say` is told a line at a time. */
export async function runGuarantees(
  list: string,
  options: { portBase: number; say: (line: string) => void },
): Promise<boolean> {
  const { say } = options;
  const chosen = chooseGuarantees(list);
  say('starting parts …');
  const parts = await startParts();
  useParts(parts.environment);
  let held = true;
  try {
    for (const { number, name, size, check } of chosen) {
      say('');
      say(`guarantee ${number}, ${name}: ${JSON.stringify(size)}`);
      const meshes: { mesh: Mesh; dataDirectory: string }[] = [];
      const started = performance.now();
      try {
        const { figures, violations } = await check(async () => {
          const dataDirectory = await mkdtemp(join(import.meta.dirname, '../../.lab-campaign-'));
          // Many sign-ins from one address belong to what is checked.
          const unlimited = { RATE_LIMIT_BURST: '1000000', RATE_LIMIT_PER_SECOND: '1000000' };
          const mesh = await startMesh({
            dataDirectory,
            portBase: options.portBase,
            profile: 'light',
            disposable: true,
            serviceEnvironment: { bff: unlimited },
          });
          meshes.push({ mesh, dataDirectory });
          return mesh;
        });
        for (const [figure, value] of Object.entries(figures)) say(`  ${figure.padEnd(44)} ${value}`);
        say(`  ${'seconds'.padEnd(44)} ${((performance.now() - started) / 1000).toFixed(0)}`);
        say(`  ${'violations'.padEnd(44)} ${violations.length}`);
        for (const violation of violations.slice(0, 20)) say(`    ${violation}`);
        if (violations.length > 0) held = false;
      } finally {
        for (const { mesh, dataDirectory } of meshes) {
          await mesh.stop();
          await rm(dataDirectory, { recursive: true, force: true });
        }
      }
    }
  } finally {
    await parts.stop();
  }
  return held;
}
