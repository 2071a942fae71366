/** Many writers, one version: one of them wins. */
import { useState } from 'preact/hooks';
import type { LabRaceResult } from '@ballast/contracts';
import { raceForVersion } from '../../api/lab.ts';
import { Demonstration } from '../../components/lab/demonstration.tsx';
import { NumberField, ProductField } from '../../components/lab/fields.tsx';
import { Racers } from '../../components/lab/racers.tsx';
import { BeforeAfter } from '../../components/lab/rows.tsx';
import { Statement } from '../../components/lab/statement.tsx';
import { useTask } from '../../components/lab/task.ts';
import { useProduct } from './use-product.ts';
import { plural } from '../../format/time.ts';

export function RaceForVersion() {
  const task = useTask();
  const product = useProduct();
  const [writers, setWriters] = useState(50);
  const [result, setResult] = useState<LabRaceResult | null>(null);

  const run = (): void =>
    task.run(async (signal, tell) => {
      setResult(null);
      const { productId } = await product.get(signal);
      tell(`${writers} writers with the same If-Match…`);
      setResult(await raceForVersion(productId, writers, signal));
      await product.refresh(signal);
    });

  return (
    <Demonstration
      id="race-version"
      title="Race many writers on one version"
      lead="All of them have read the same version of a product and write its stock with it in If-Match. Exactly one gets 200; the others get 412 and the product as it is now."
      task={task}
      action="Race"
      onRun={run}
      inputs={
        <>
          <ProductField id="race-version-product" value={product.chosen} onChange={product.choose} />
          <NumberField
            id="race-version-writers"
            label="Writers"
            value={writers}
            min={2}
            max={200}
            onChange={setWriters}
          />
        </>
      }
      summary={result === null ? '' : summaryOf(result)}
      calls={[
        {
          what: 'Race on one version',
          method: 'POST',
          path: '/api/lab/race/version',
          body: { productId: product.chosen || '$PRODUCT', writers },
        },
        {
          what: 'Read a product and its version (ETag)',
          path: `/api/products/${product.chosen || '$PRODUCT'}`,
          head: true,
          open: true,
        },
      ]}
    >
      {result !== null && (
        <>
          <Racers result={result} noun="Version" />
          <Statement text={result.statement} />
          <BeforeAfter title="The product’s row" before={result.before} after={result.after} />
        </>
      )}
    </Demonstration>
  );
}

function summaryOf({ racers }: LabRaceResult): string {
  const won = racers.filter(({ status }) => status === 200).length;
  const stale = racers.filter(({ status }) => status === 412).length;
  const others = racers.length - won - stale;
  return `${plural(racers.length, 'writer')}: ${won} won, ${stale} were told 412${others > 0 ? `, ${others} got another answer` : ''}.`;
}
