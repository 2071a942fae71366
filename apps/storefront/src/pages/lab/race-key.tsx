/** Many callers, one idempotency key: one claim. */
import { useState } from 'preact/hooks';
import type { LabRaceResult } from '@ballast/contracts';
import { raceForKey } from '../../api/lab.ts';
import { Demonstration } from '../../components/lab/demonstration.tsx';
import { NumberField } from '../../components/lab/fields.tsx';
import { Racers } from '../../components/lab/racers.tsx';
import { BeforeAfter } from '../../components/lab/rows.tsx';
import { Statement } from '../../components/lab/statement.tsx';
import { useTask } from '../../components/lab/task.ts';
import { completedOrder } from './small-order.ts';
import { plural } from '../../format/time.ts';

export function RaceForKey() {
  const task = useTask();
  const [callers, setCallers] = useState(50);
  const [result, setResult] = useState<LabRaceResult | null>(null);

  const run = (): void =>
    task.run(async (signal, tell) => {
      setResult(null);
      const order = await completedOrder(signal, tell);
      tell(`${callers} callers file the same claim at once…`);
      setResult(await raceForKey(order.orderId, callers, signal));
    });

  return (
    <Demonstration
      id="race-key"
      title="Race many callers on one key"
      lead="All of them file the same claim with the same Idempotency-Key at the same moment. The first writer wins; all the others are answered with its claim."
      task={task}
      action="Race"
      onRun={run}
      inputs={
        <NumberField id="race-key-callers" label="Callers" value={callers} min={2} max={200} onChange={setCallers} />
      }
      summary={result === null ? '' : summaryOf(result)}
      calls={[
        {
          what: 'Race on one key, for a completed order of yours',
          method: 'POST',
          path: '/api/lab/race/key',
          body: { orderId: '$ORDER', callers },
        },
      ]}
    >
      {result !== null && (
        <>
          <Racers result={result} noun="Claim" />
          <Statement text={result.statement} />
          <BeforeAfter title="Claims under this key" before={result.before} after={result.after} />
        </>
      )}
    </Demonstration>
  );
}

function summaryOf({ racers, before, after }: LabRaceResult): string {
  const created = racers.filter(({ status }) => status === 201).length;
  const same = racers.filter(({ status }) => status === 200).length;
  const others = racers.length - created - same;
  const claims = new Set(racers.map(({ result }) => result).filter((id) => id !== null)).size;
  return (
    `${plural(racers.length, 'caller')}: ${created} created a claim, ${same} were answered with it` +
    `${others > 0 ? `, ${others} were refused` : ''}. ` +
    `All answers together name ${plural(claims, 'claim')}; the table has ${plural(after.length - before.length, 'new row')}.`
  );
}
