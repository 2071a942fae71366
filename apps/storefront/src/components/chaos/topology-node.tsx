/** One service, stand-in or part in the drawing: its state by colour, sign and word. */
import type { LiveNode } from '@ballast/contracts';
import type { NodeBox } from '../../chaos/layout.ts';
import { nodeBadge, nodeFigures, nodeLooks, nodeSentence } from '../../chaos/words.ts';
import { pressed } from './pressed.ts';
import type { Roving } from './roving.ts';

type TopologyNodeProps = {
  box: NodeBox;
  node: LiveNode;
  /** Faults that are active on it. */
  faults: number;
  /** The panel is open for it. */
  isChosen: boolean;
  item: ReturnType<Roving['item']>;
  onChoose: () => void;
};

export function TopologyNode({ box, node, faults, isChosen, item, onChoose }: TopologyNodeProps) {
  const look = nodeLooks[node.state];
  const top = box.y + box.height / 2 - 29;
  return (
    <g
      class={`mesh-node tone-${look.tone} kind-${node.kind}${faults > 0 ? ' mesh-broken' : ''}${isChosen ? ' mesh-chosen' : ''}`}
      role="button"
      aria-label={nodeSentence(node, faults)}
      data-mesh-node={node.name}
      data-state={node.state}
      onClick={onChoose}
      onKeyDown={pressed(onChoose)}
      {...item}
    >
      <rect class="mesh-box" x={box.x} y={box.y} width={box.width} height={box.height} rx={9} />
      <rect class="mesh-side" x={box.x} y={box.y} width={5} height={box.height} rx={2.5} />
      <text class="mesh-name" x={box.x + 15} y={top + 21}>
        {node.name}
      </text>{' '}
      <text class="mesh-state" x={box.x + 15} y={top + 38}>
        {look.sign} {look.word}
      </text>{' '}
      <text class="mesh-figures" x={box.x + 15} y={top + 53}>
        {nodeFigures(node)}
      </text>{' '}
      {faults > 0 && (
        <g>
          <rect class="mesh-badge" x={box.x + box.width - 46} y={box.y - 7} width={52} height={17} rx={8.5} />
          <text class="mesh-badge-text" x={box.x + box.width - 20} y={box.y + 5.5}>
            {nodeBadge(faults)}
          </text>
        </g>
      )}
    </g>
  );
}
