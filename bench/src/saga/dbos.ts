/** DBOS Transact's side: the same four empty steps as one durable workflow, a fifth of them with two steps undone. */
import { DBOS } from '@dbos-inc/dbos-sdk';
import { serve } from '../process.ts';

async function empty(): Promise<void> {}
async function last(fails: boolean): Promise<boolean> {
  return !fails;
}

const saga = DBOS.registerWorkflow(
  async (fails: boolean): Promise<string> => {
    await DBOS.runStep(empty, { name: 'reserve' });
    await DBOS.runStep(empty, { name: 'authorize' });
    await DBOS.runStep(empty, { name: 'capture' });
    if (await DBOS.runStep(() => last(fails), { name: 'commit' })) return 'completed';
    await DBOS.runStep(empty, { name: 'cancel' });
    await DBOS.runStep(empty, { name: 'release' });
    return 'compensated';
  },
  { name: 'saga' },
);

DBOS.setConfig({
  name: 'bench',
  systemDatabaseUrl: process.env['BENCH_POSTGRES_URL']!,
  logLevel: 'error',
  runAdminServer: false,
});
await DBOS.launch();

let count = 0;
serve({
  one: async () => {
    count += 1;
    const handle = await DBOS.startWorkflow(saga)(count % 5 === 0);
    await handle.getResult();
  },
  check: async () => {},
  stop: () => DBOS.shutdown(),
});
