/** Sagas: four empty steps, a fifth of them compensated, beside DBOS Transact on the same PostgreSQL. */
import { join } from 'node:path';
import pg from 'pg';
import { measure, table } from './measure.ts';
import { forked } from './process.ts';
import type { BenchContext } from './context.ts';

const aims: Readonly<Record<number, number>> = { 1: 1.3, 64: 3 };

export async function sagaBench({ urls, parts, rounds, roundMs, say }: BenchContext): Promise<string> {
  const dbosUrl = new URL(urls.postgres);
  dbosUrl.pathname = '/bench_dbos';
  const admin = new pg.Client({ connectionString: urls.postgres });
  await admin.connect();
  await admin.query('DROP DATABASE IF EXISTS bench_dbos WITH (FORCE)');
  await admin.query('CREATE DATABASE bench_dbos');
  const environment = {
    BENCH_POSTGRES_URL: urls.postgres,
    BENCH_AMQP_URL: urls.rabbitmq,
    BENCH_DBOS_URL: dbosUrl.href,
  };
  const ballast = await forked(join(import.meta.dirname, 'saga/ballast.ts'), environment);
  const dbos = await forked(join(import.meta.dirname, 'saga/dbos.ts'), environment);
  try {
    const tables: string[] = [];
    for (const atOnce of [1, 16, 64]) {
      say(`sagas, ${atOnce} at once`);
      const measured = await measure([ballast.contender('Ballast', atOnce), dbos.contender('DBOS Transact', atOnce)], {
        rounds,
        roundMs,
        parts,
        say,
      });
      const aim = aims[atOnce];
      tables.push(table(`Sagas, ${atOnce} at once`, measured, aim === undefined ? {} : { 'DBOS Transact': aim }));
    }
    return tables.join('\n\n');
  } finally {
    await ballast.stop();
    await dbos.stop();
    await admin.query('DROP DATABASE IF EXISTS bench_dbos WITH (FORCE)');
    await admin.end();
  }
}
