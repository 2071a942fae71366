/** Where each state and transition of a saga is drawn. Pure: a definition goes in, coordinates come out. */
import type { SagaDiagram } from '@ballast/contracts';
import { sortIntoLanes } from './lanes.ts';
import type { Lanes } from './lanes.ts';
import { metricsFor, placeNode, routeEdge } from './routes.ts';
import type { EdgeRoute, NodeBox, Orientation, Turns } from './routes.ts';

export type { NodeBox, Orientation } from './routes.ts';

/** All transitions between the same two states, drawn as one line. */
export type EdgeShape = EdgeRoute & {
  key: string;
  from: string;
  to: string;
  kind: 'forward' | 'failure' | 'compensation';
  /** Names of the events that lead along this line. */
  events: string[];
};

/** Lengths are in the drawing's own units, one CSS pixel at natural size. */
export type SagaLayout = {
  width: number;
  height: number;
  orientation: Orientation;
  nodes: NodeBox[];
  edges: EdgeShape[];
};

/** The key of the line between two states. */
export function edgeKey(from: string, to: string): string {
  return `${from}>${to}`;
}

/** Lays a saga out beside (`wide`) or below (`tall`, for narrow screens) one another. */
export function layoutSaga(diagram: SagaDiagram, orientation: Orientation): SagaLayout {
  const lanes = sortIntoLanes(diagram);
  const metrics = metricsFor(lanes, turnsOf(diagram, lanes, orientation), orientation);
  const nodes = [
    ...lanes.main.map((name, index) => placeNode(metrics, name, 'main', index)),
    ...lanes.side.map((name, index) => placeNode(metrics, name, 'side', index)),
  ];
  const byName = new Map(nodes.map((node) => [node.name, node]));

  const leads = (from: string, to: string): boolean =>
    diagram.transitions.some((transition) => transition.from === from && transition.to === to);

  const edges = new Map<string, EdgeShape>();
  for (const transition of diagram.transitions) {
    const from = byName.get(transition.from);
    const to = byName.get(transition.to);
    if (from === undefined || to === undefined) continue;
    const key = edgeKey(from.name, to.name);
    const known = edges.get(key);
    if (known === undefined) {
      const { kind, event } = transition;
      edges.set(key, {
        key,
        from: from.name,
        to: to.name,
        kind,
        events: [event],
        ...routeEdge(metrics, from, to, leads(to.name, from.name)),
      });
    } else if (!known.events.includes(transition.event)) {
      known.events.push(transition.event);
    }
  }
  return {
    width: metrics.width,
    height: metrics.height,
    orientation,
    nodes,
    edges: [...edges.values()],
  };
}

function turnsOf(diagram: SagaDiagram, lanes: Lanes, orientation: Orientation): Turns {
  const turns = (lane: readonly string[]): boolean =>
    diagram.transitions.some(({ from, to }) => {
      if (!lane.includes(from) || !lane.includes(to)) return false;
      const distance = Math.abs(lane.indexOf(from) - lane.indexOf(to));
      // Drawn one below the other, a box has room for its own loop in the gap beneath it.
      return distance > 1 || (distance === 0 && orientation === 'wide');
    });
  return { main: turns(lanes.main), side: turns(lanes.side) };
}
