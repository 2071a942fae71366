/** The saga as a drawing made from its own definition, with the way an order has gone lit up. */
import { useMemo } from 'preact/hooks';
import type { Order, SagaDiagram } from '@ballast/contracts';
import { useMedia } from './hooks.ts';
import { layoutSaga } from '../saga/layout.ts';
import type { EdgeShape, NodeBox, SagaLayout } from '../saga/layout.ts';
import { progressOf } from '../saga/progress.ts';
import type { SagaProgress, VisitedEdge } from '../saga/progress.ts';
import { labelLines, labelOf, toneOf, wordsOf } from '../saga/words.ts';
import { formatClock, formatDuration } from '../format/time.ts';
import { isFinal } from '../state/order-stream.ts';

/** Nothing has happened yet. */
const noHistory: Order['history'] = [];

/** Without an order it is the definition alone. */
export function SagaFigure({ diagram, order }: { diagram: SagaDiagram; order: Order | null }) {
  const wide = useMedia('(min-width: 60rem)');
  const layout = useMemo(() => layoutSaga(diagram, wide ? 'wide' : 'tall'), [diagram, wide]);
  const history = order?.history ?? noHistory;
  const progress = useMemo(() => progressOf(history), [history]);
  const current = diagram.states.find((state) => state.name === order?.state);
  const deadline = current?.final === false ? current.deadlineSeconds : null;
  return (
    <figure class={`saga saga-${layout.orientation}`} data-testid="saga">
      <svg
        class="saga-drawing"
        viewBox={`0 0 ${layout.width} ${layout.height}`}
        width={layout.width}
        height={layout.height}
        role="img"
        aria-label={
          order === null
            ? `The saga ${diagram.name}: ${diagram.states.map((state) => labelOf(state.name)).join(', ')}.`
            : `The way of this order: ${history.map((step) => labelOf(step.to)).join(', then ')}.`
        }
      >
        <Arrows />
        <Edges layout={layout} progress={progress} />
        {layout.nodes.map((node) => (
          <StateBox key={node.name} node={node} diagram={diagram} order={order} progress={progress} />
        ))}
        <Times layout={layout} progress={progress} />
      </svg>
      <figcaption class="saga-caption">
        {order === null ? (
          'Solid lines lead forward; broken ones are failures, and what is done to undo them.'
        ) : (
          <>
            <strong>{labelOf(order.state)}.</strong> {asSentence(current?.description ?? '')}
          </>
        )}
        {deadline !== null && ` Without an answer within ${formatDuration(deadline * 1000)}, the shop acts by itself.`}
      </figcaption>
    </figure>
  );
}

/** A description with its full stop: definitions write them without. */
function asSentence(text: string): string {
  return text === '' || /[.!?]$/.test(text) ? text : `${text}.`;
}

const kinds = ['idle', 'forward', 'failure', 'compensation'] as const;

/** One arrowhead for each colour of line. */
function Arrows() {
  return (
    <defs>
      {kinds.map((kind) => (
        <marker
          key={kind}
          id={`arrow-${kind}`}
          class={`arrow arrow-${kind}`}
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="8"
          markerHeight="8"
          markerUnits="userSpaceOnUse"
          orient="auto"
        >
          <path d="M0 .6 7.4 4 0 7.4Z" />
        </marker>
      ))}
    </defs>
  );
}

function Edges({ layout, progress }: { layout: SagaLayout; progress: SagaProgress }) {
  // What was visited is drawn last, over the lines that share its rail.
  const ordered = layout.edges.toSorted(
    (left, right) => Number(progress.edges.has(left.key)) - Number(progress.edges.has(right.key)),
  );
  return (
    <>
      {ordered.map((edge) => {
        const visited = progress.edges.has(edge.key);
        return (
          <path
            key={edge.key}
            class={`edge edge-${edge.kind}${visited ? ' edge-visited' : ''}`}
            d={edge.path}
            marker-end={`url(#arrow-${visited ? edge.kind : 'idle'})`}
            data-edge={edge.key}
            data-visited={visited ? 'true' : undefined}
          >
            <title>{titleOf(edge)}</title>
          </path>
        );
      })}
    </>
  );
}

function titleOf(edge: EdgeShape): string {
  return `${labelOf(edge.from)} to ${labelOf(edge.to)}: ${edge.events.map(wordsOf).join(', ')}`;
}

/** From one line of text in a box to the next, in the drawing's units. */
const lineHeight = 17;

type BoxProps = { node: NodeBox; diagram: SagaDiagram; order: Order | null; progress: SagaProgress };

function StateBox({ node, diagram, order, progress }: BoxProps) {
  const entered = progress.enteredAt.get(node.name);
  const isCurrent = order?.state === node.name;
  const moving = isCurrent && order !== null && !isFinal(order.state);
  const state = isCurrent ? 'current' : entered === undefined ? 'ahead' : 'visited';
  const description = diagram.states.find((candidate) => candidate.name === node.name)?.description ?? '';
  const lines = labelLines(node.name, node.width);
  // All lines together, the time included, stand in the middle of the box.
  const firstLine = (node.height - (lines.length - (entered === undefined ? 1 : 0)) * lineHeight) / 2;
  return (
    <g
      class={`state state-${state} state-${toneOf(node.name)}`}
      transform={`translate(${node.x} ${node.y})`}
      data-node={node.name}
      data-node-state={state}
    >
      <title>{description}</title>
      <rect class="state-box" width={node.width} height={node.height} rx="12" />
      {moving && <rect class="state-pulse" width={node.width} height={node.height} rx="12" />}
      <text class="state-name">
        {lines.map((line, index) => (
          <tspan key={line} x={node.width / 2} y={firstLine + index * lineHeight}>
            {line}
          </tspan>
        ))}
      </text>
      {entered !== undefined && (
        <text class="state-time" x={node.width / 2} y={firstLine + lines.length * lineHeight + 2}>
          {moving ? 'since ' : '✓ '}
          {formatClock(entered)}
        </text>
      )}
    </g>
  );
}

/** How long each step took, on its line. */
function Times({ layout, progress }: { layout: SagaLayout; progress: SagaProgress }) {
  return (
    <>
      {layout.edges.map((edge) => {
        const visited = progress.edges.get(edge.key);
        const text = visited === undefined ? '' : timeText(visited);
        if (text === '') return null;
        const width = text.length * 6.6 + 12;
        return (
          <g key={edge.key} class="time" transform={`translate(${edge.label.x} ${edge.label.y})`}>
            <rect class="time-ground" x={-width / 2} y="-10" width={width} height="20" rx="10" />
            <text class="time-text">{text}</text>
          </g>
        );
      })}
    </>
  );
}

function timeText(visited: VisitedEdge): string {
  const elapsed = visited.elapsed === null ? '' : formatDuration(visited.elapsed);
  return visited.times > 1 ? `${elapsed} ×${visited.times}` : elapsed;
}
