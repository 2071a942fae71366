/** A cold cache entry and a crowd: with one loader, and with everybody for themselves. */
import { useState } from 'preact/hooks';
import type { LabStampedeResult } from '@ballast/contracts';
import { serviceAddress, stampede } from '../../api/lab.ts';
import { Demonstration } from '../../components/lab/demonstration.tsx';
import { NumberField, ProductField } from '../../components/lab/fields.tsx';
import { Statement } from '../../components/lab/statement.tsx';
import { useTask } from '../../components/lab/task.ts';
import { instancesOf } from '../../state/lab-cluster.ts';
import { formatDuration, plural } from '../../format/time.ts';
import { useProduct } from './use-product.ts';

type Both = { instance: string; callers: number; without: LabStampedeResult; together: LabStampedeResult };

export function Stampede() {
  const task = useTask();
  const product = useProduct();
  const [callers, setCallers] = useState(200);
  const [both, setBoth] = useState<Both | null>(null);
  const instance = instancesOf('catalog')[0] ?? 'catalog-1';

  const run = (): void =>
    task.run(async (signal, tell) => {
      setBoth(null);
      const { productId } = await product.get(signal);
      tell(`${callers} callers on a cold entry, each for itself…`);
      const without = await stampede(instance, { productId, callers, singleFlight: false }, signal);
      tell(`${callers} callers on a cold entry, with single flight…`);
      const together = await stampede(instance, { productId, callers, singleFlight: true }, signal);
      setBoth({ instance, callers, without, together });
    });

  const call = (singleFlight: boolean) => ({
    what: singleFlight ? 'With single flight' : 'Without single flight',
    method: 'POST' as const,
    path: serviceAddress(instance, 'cache/stampede'),
    body: { productId: product.chosen || '$PRODUCT', callers, singleFlight },
  });
  return (
    <Demonstration
      id="stampede"
      title="Stampede a cold key"
      lead="The product’s entry is thrown out of both tiers of the cache, then read by a crowd at once: first each caller loads for itself, then one loads for all."
      task={task}
      action="Stampede"
      onRun={run}
      inputs={
        <>
          <ProductField id="stampede-product" value={product.chosen} onChange={product.choose} />
          <NumberField id="stampede-callers" label="Callers" value={callers} min={2} max={500} onChange={setCallers} />
        </>
      }
      summary={
        both === null
          ? ''
          : `${plural(both.callers, 'caller')} on ${both.instance}: ${plural(both.without.databaseReads, 'statement')} without single flight, ${both.together.databaseReads} with it.`
      }
      calls={[call(false), call(true)]}
    >
      {both !== null && (
        <>
          <div class="side-by-side">
            <Side title="Without single flight" result={both.without} testId="stampede-without" />
            <Side title="With single flight" result={both.together} testId="stampede-with" />
          </div>
          <Statement text={both.together.statement} />
        </>
      )}
    </Demonstration>
  );
}

function Side({ title, result, testId }: { title: string; result: LabStampedeResult; testId: string }) {
  const { p50, max, all } = result.milliseconds;
  return (
    <div class="lab-box" data-testid={testId} data-reads={result.databaseReads}>
      <h5>{title}</h5>
      <p class="figure-large">
        {result.databaseReads} <span>{result.databaseReads === 1 ? 'read' : 'reads'} in PostgreSQL</span>
      </p>
      <dl class="lab-facts">
        <div>
          <dt>Reads in Redis</dt>
          <dd>{result.redisReads}</dd>
        </div>
        <div>
          <dt>Median caller</dt>
          <dd>{formatDuration(p50)}</dd>
        </div>
        <div>
          <dt>Slowest caller</dt>
          <dd>{formatDuration(max)}</dd>
        </div>
        <div>
          <dt>All together</dt>
          <dd>{formatDuration(all)}</dd>
        </div>
      </dl>
    </div>
  );
}
