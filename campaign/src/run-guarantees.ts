/** Runs the checks of single guarantees one after the other, each on real parts, and prints what they measured. */
import { guarded, startParts, type Guarded, type Mesh } from '@ballast/lab';
import { useParts } from './config.ts';
import { chooseGuarantees } from './guarantees/index.ts';
import { openMesh } from './open-mesh.ts';

/** Resolves to whether all of them held. `say` is told a line at a time. */
export async function runGuarantees(
  list: string,
  options: { portBase: number; say: (line: string) => void },
): Promise<boolean> {
  const { say } = options;
  const chosen = chooseGuarantees(list);
  say('starting parts …');
  const { thing: parts, close } = await guarded(
    () => startParts(),
    (started) => started.stop(),
  );
  useParts(parts.environment);
  let held = true;
  try {
    for (const { number, name, size, check } of chosen) {
      say('');
      say(`guarantee ${number}, ${name}: ${JSON.stringify(size)}`);
      const meshes: Guarded<Mesh>[] = [];
      const started = performance.now();
      try {
        const { figures, violations } = await check(async () => {
          const opened = await openMesh({ portBase: options.portBase, disposable: true });
          meshes.push(opened);
          return opened.thing;
        });
        for (const [figure, value] of Object.entries(figures)) say(`  ${figure.padEnd(44)} ${value}`);
        say(`  ${'seconds'.padEnd(44)} ${((performance.now() - started) / 1000).toFixed(0)}`);
        say(`  ${'violations'.padEnd(44)} ${violations.length}`);
        for (const violation of violations.slice(0, 20)) say(`    ${violation}`);
        if (violations.length > 0) held = false;
      } finally {
        for (const mesh of meshes) await mesh.close();
      }
    }
  } finally {
    await close();
  }
  return held;
}
