/** Orders in flight: the saga's own drawing with its counts from rows, and a dot for each order on its way. */
import { useMemo } from 'preact/hooks';
import type { SagaDiagram } from '@ballast/contracts';
import { getOrderSaga } from '../../api/calls.ts';
import { layoutSaga } from '../../saga/layout.ts';
import type { NodeBox, SagaLayout } from '../../saga/layout.ts';
import { labelLines, labelOf, toneOf } from '../../saga/words.ts';
import { metrics, orders } from '../../state/chaos-live.ts';
import { formatCount } from '../../chaos/words.ts';
import { useMedia, useResource } from '../hooks.ts';
import { Failure, Skeleton } from '../messages.tsx';
import { FlowCanvas } from './flow-canvas.tsx';

export function SagaFlow() {
  const saga = useResource('saga', getOrderSaga);
  return (
    <section class="chaos-section" aria-labelledby="orders">
      <h2 id="orders">Orders in flight</h2>
      <Rates />
      {saga.status === 'loading' && <Skeleton className="skeleton-figure" />}
      {saga.status === 'failed' && <Failure error={saga.error} onRetry={saga.reload} />}
      {saga.data !== null && <Drawing diagram={saga.data} />}
    </section>
  );
}

function Rates() {
  const latest = metrics.value.at(-1);
  const { missed } = orders.value;
  return (
    <p class="small" data-testid="order-rates">
      {latest !== undefined && (
        <>
          In the last second {formatCount(latest.ordersPerSecond)} placed, {formatCount(latest.completedPerSecond)}{' '}
          completed, {formatCount(latest.compensatedPerSecond)} compensated.
        </>
      )}{' '}
      {missed > 0 && `${missed.toLocaleString('en')} moves not drawn.`}
    </p>
  );
}

function Drawing({ diagram }: { diagram: SagaDiagram }) {
  const wide = useMedia('(min-width: 60rem)');
  const layout = useMemo(() => layoutSaga(diagram, wide ? 'wide' : 'tall'), [diagram, wide]);
  return (
    <figure class={`saga saga-${layout.orientation} flow`} data-testid="flow">
      <div class="flow-stage">
        <Lines layout={layout} />
        <FlowCanvas layout={layout} />
      </div>
      <Totals diagram={diagram} />
    </figure>
  );
}

/** The still part: it changes with the definition only, the counts in it with the rows. */
function Lines({ layout }: { layout: SagaLayout }) {
  return (
    <svg
      class="saga-drawing"
      viewBox={`0 0 ${layout.width} ${layout.height}`}
      width={layout.width}
      height={layout.height}
      aria-hidden="true"
    >
      {layout.edges.map((edge) => (
        <path key={edge.key} class={`edge edge-${edge.kind}`} d={edge.path} />
      ))}
      {layout.nodes.map((node) => (
        <StateBox key={node.name} node={node} />
      ))}
    </svg>
  );
}

function StateBox({ node }: { node: NodeBox }) {
  const count = orders.value.totals[node.name] ?? 0;
  const middle = node.x + node.width / 2;
  const [name] = labelLines(node.name, node.width * 2);
  return (
    <g class={`flow-state flow-${toneOf(node.name)}`}>
      <rect class="state-box" x={node.x} y={node.y} width={node.width} height={node.height} rx={12} />
      <text class="state-name" x={middle} y={node.y + 16}>
        {name}
      </text>
      <text class="flow-count" x={middle} y={node.y + 38}>
        {count.toLocaleString('en')}
      </text>
    </g>
  );
}

/** The counts for those who hear the page. */
function Totals({ diagram }: { diagram: SagaDiagram }) {
  const { totals } = orders.value;
  return (
    <ul class="visually-hidden" aria-label="Orders by state" data-testid="order-totals">
      {diagram.states.map(({ name }) => (
        <li key={name} data-total={name} data-count={totals[name] ?? 0}>
          {labelOf(name)}: {totals[name] ?? 0}
        </li>
      ))}
    </ul>
  );
}
