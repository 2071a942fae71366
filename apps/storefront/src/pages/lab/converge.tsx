/** A write through one replica, and the caches of both. */
import { useState } from 'preact/hooks';
import type { LabCacheEntry, LabConvergeResult } from '@ballast/contracts';
import { converge, getCacheEntry, serviceAddress } from '../../api/lab.ts';
import { Demonstration } from '../../components/lab/demonstration.tsx';
import { NumberField, ProductField } from '../../components/lab/fields.tsx';
import { BeforeAfter } from '../../components/lab/rows.tsx';
import { Statement } from '../../components/lab/statement.tsx';
import { useTask } from '../../components/lab/task.ts';
import { versionText } from '../../lab/rows.ts';
import { instancesOf } from '../../state/lab-cluster.ts';
import { formatDuration } from '../../format/time.ts';
import { useProduct } from './use-product.ts';

type Shown = { entries: LabCacheEntry[]; result: LabConvergeResult };

export function Converge() {
  const task = useTask();
  const product = useProduct();
  const [more, setMore] = useState(1);
  const [shown, setShown] = useState<Shown | null>(null);

  const run = (): void =>
    task.run(async (signal, tell) => {
      setShown(null);
      const { productId, onHand } = await product.get(signal);
      tell('Writing through one replica and watching all of them…');
      const result = await converge(productId, onHand + more, signal);
      const entries = await Promise.all(
        instancesOf('catalog').map((instance) => getCacheEntry(instance, productId, signal)),
      );
      setShown({ entries, result });
      await product.refresh(signal);
    });

  const id = product.chosen || '$PRODUCT';
  return (
    <Demonstration
      id="converge"
      title="Change a product and watch both caches"
      lead="One replica writes the stock and tells the others by publish/subscribe. Each throws its entry away and serves the new version from then on."
      task={task}
      action="Change it"
      onRun={run}
      inputs={
        <>
          <ProductField id="converge-product" value={product.chosen} onChange={product.choose} />
          <NumberField
            id="converge-more"
            label="Add to its stock"
            value={more}
            min={1}
            max={1_000}
            onChange={setMore}
          />
        </>
      }
      summary={shown === null ? '' : summaryOf(shown.result)}
      calls={[
        {
          what: 'Write through one replica, watch all',
          method: 'POST',
          path: '/api/lab/converge',
          body: { productId: id, onHand: 100 },
        },
        ...instancesOf('catalog').map((instance) => ({
          what: `What ${instance} would serve`,
          path: serviceAddress(instance, `cache/products/${id}`),
        })),
      ]}
    >
      {shown !== null && (
        <>
          <ul class="side-by-side">
            {shown.result.replicas.map((replica) => (
              <li class="lab-box" key={replica.instance} data-testid={`replica-${replica.instance}`}>
                <h5>
                  {replica.instance}
                  {replica.instance === shown.result.writer && ' (wrote it)'}
                </h5>
                <p class="figure-large">
                  {replica.milliseconds === null ? 'not within 2 s' : formatDuration(replica.milliseconds)}{' '}
                  <span>after the writer’s answer</span>
                </p>
                <CacheEntry
                  before={replica.before}
                  entry={shown.entries.find(({ instance }) => instance === replica.instance)}
                />
              </li>
            ))}
          </ul>
          <Statement text={shown.result.statement} />
          <BeforeAfter title="The product’s row" before={shown.result.before} after={shown.result.after} />
        </>
      )}
    </Demonstration>
  );
}

function CacheEntry({ before, entry }: { before: string | null; entry: LabCacheEntry | undefined }) {
  const tier = (one: { version: string; onHand: number } | null): string =>
    one === null ? 'empty' : `${versionText(one.version)} (${one.onHand} on hand)`;
  return (
    <dl class="lab-facts">
      <div>
        <dt>Served before</dt>
        <dd>{before === null ? 'nothing' : versionText(before)}</dd>
      </div>
      {entry !== undefined && (
        <>
          <div>
            <dt>L1, in process</dt>
            <dd>{tier(entry.l1)}</dd>
          </div>
          <div>
            <dt>L2, Redis</dt>
            <dd>{tier(entry.l2)}</dd>
          </div>
          <div>
            <dt>Row</dt>
            <dd>{tier(entry.row)}</dd>
          </div>
          <div>
            <dt>Invalidations</dt>
            <dd>
              {entry.totals.invalidations}, {entry.subscribed ? 'listening' : 'not listening now'}
            </dd>
          </div>
        </>
      )}
    </dl>
  );
}

function summaryOf({ writer, version, replicas }: LabConvergeResult): string {
  const times = replicas.map(({ milliseconds }) => milliseconds);
  const late = times.filter((time) => time === null).length;
  const slowest = Math.max(0, ...times.filter((time) => time !== null));
  return late > 0
    ? `${writer} wrote version ${versionText(version)}; ${late} of ${replicas.length} replicas did not serve it within two seconds.`
    : `${writer} wrote version ${versionText(version)}; all ${replicas.length} replicas serve it, the last after ${formatDuration(slowest)}.`;
}
