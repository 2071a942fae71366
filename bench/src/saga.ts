/**
 * Sagas: four empty steps, a fifth of them compensated, beside DBOS Transact on the same PostgreSQL. While one is
 * measured the other does not exist: a contender whose process is alive polls, vacuums and flushes into the rounds of
 * the other.
 */
import { join } from 'node:path';
import pg from 'pg';
import type { BenchContext } from './context.ts';
import { measureOnce, table, unmeasured } from './measure.ts';
import { settle, turn } from './saga/turn.ts';

const aims: Readonly<Record<number, number>> = { 1: 1.3, 64: 3 };
const levels = [1, 16, 64] as const;
const contenders = [
  { name: 'Ballast', file: join(import.meta.dirname, 'saga/ballast.ts') },
  { name: 'DBOS Transact', file: join(import.meta.dirname, 'saga/dbos.ts') },
] as const;

export async function sagaBench({ urls, parts, rounds, roundMs, say }: BenchContext): Promise<string> {
  const found = levels.map((atOnce) => ({ atOnce, measured: contenders.map(({ name }) => unmeasured(name)) }));
  const admin = new pg.Client({ connectionString: urls.postgres });
  await admin.connect();
  try {
    for (let round = 1; round <= rounds; round += 1) {
      // The other way round every second time, as everywhere.
      for (const { name, file } of round % 2 === 1 ? contenders : contenders.toReversed()) {
        await turn(file, { admin, ...urls }, async (process) => {
          // A process that has just started: its code is warmed up before anything counts.
          await process.contender(name, levels.at(-1)!).run(roundMs);
          for (const { atOnce, measured } of found) {
            await settle(admin, 'sessions may stay');
            const entry = measured.find((candidate) => candidate.name === name)!;
            await measureOnce(process.contender(name, atOnce), entry, { roundMs, parts });
          }
        });
        const rates = found.map(({ atOnce, measured }) => {
          const rate = measured.find((candidate) => candidate.name === name)!.rates.at(-1)!;
          return `${rate.toFixed(0)} at ${atOnce}`;
        });
        say(`sagas, round ${round} of ${rounds}, ${name}: ${rates.join(', ')}`);
      }
    }
  } finally {
    await admin.end();
  }
  return found
    .map(({ atOnce, measured }) => {
      const aim = aims[atOnce];
      return table(`Sagas, ${atOnce} at once`, measured, aim === undefined ? {} : { 'DBOS Transact': aim });
    })
    .join('\n\n');
}
