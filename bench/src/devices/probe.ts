/**
 * Loaded before a server's own code (`--import`), in all contenders alike: on SIGUSR2 it collects garbage and writes what
 * memory is left in use to PROBE_FILE.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';

const file = process.env['PROBE_FILE'];
if (isMainThread && file !== undefined) {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as (options: object) => void;
  // As V8 does it before it gives up: pages that are kept for later go back, too.
  const collect = (): void => gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  process.on('SIGUSR2', () => {
    collect();
    // What ends in one turn frees something for the next.
    setImmediate(() => {
      collect();
      writeFileSync(`${file}.part`, JSON.stringify(process.memoryUsage()));
      renameSync(`${file}.part`, file);
    });
  });
}
