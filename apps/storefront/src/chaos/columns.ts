/**
 * In which column each node of the mesh is drawn, and in which order: the way in on the left, services in the middle, and
 * what they all lean on at the right. Pure: names and links go in, so that the drawing stays still while figures change.
 */
import type { LiveLink, LiveNode } from '@ballast/contracts';

export type PlacedNode = Pick<LiveNode, 'name' | 'service' | 'kind'>;
export type PlacedLink = Pick<LiveLink, 'from' | 'to'>;

/** Names by column, each from the top down. */
export type Columns = string[][];

/** Times the order within the columns is made better; it hardly changes after the third. */
const sweeps = 6;

/** Sorts nodes into three columns. Links to nodes that are not there count for nothing. */
export function sortIntoColumns(nodes: readonly PlacedNode[], links: readonly PlacedLink[]): Columns {
  const columnOf = new Map(nodes.map((node) => [node.name, columnFor(node, nodes, links)]));
  const columns: Columns = [0, 1, 2].map((column) =>
    nodes
      .filter(({ name }) => columnOf.get(name) === column)
      .toSorted(byRank)
      .map(({ name }) => name),
  );
  for (let sweep = 0; sweep < sweeps; sweep += 1) {
    const order = sweep % 2 === 0 ? [1, 2] : [1, 0];
    for (const column of order) {
      columns[column] = byNeighbours(columns[column] ?? [], columns, column, nodes, links);
    }
  }
  return columns.filter((column) => column.length > 0);
}

/** Names of services whose replicas nobody of the mesh calls: outside callers come in there. */
function columnFor(node: PlacedNode, nodes: readonly PlacedNode[], links: readonly PlacedLink[]): number {
  if (node.kind !== 'service') return 2;
  const services = new Set(nodes.filter(({ kind }) => kind === 'service').map(({ name }) => name));
  const within = links.filter(({ from, to }) => services.has(from) && services.has(to));
  const callers = within.filter(({ to }) => to === node.name);
  if (callers.length === 0) return 0;
  // What services in the middle call stands beside the parts: most of its lines would otherwise go up and down.
  const calls = within.some(({ from }) => from === node.name);
  const isCalledFromTheMiddle = callers.some(({ from }) => within.some(({ to }) => to === from));
  return isCalledFromTheMiddle && !calls ? 2 : 1;
}

const kindRank: Record<LiveNode['kind'], number> = { service: 0, part: 1, 'stand-in': 2 };

function byRank(left: PlacedNode, right: PlacedNode): number {
  return kindRank[left.kind] - kindRank[right.kind] || left.name.localeCompare(right.name, 'en');
}

/** Each node beside the middle of those it is linked to in other columns; replicas of a service stay together. */
function byNeighbours(
  names: readonly string[],
  columns: Columns,
  column: number,
  nodes: readonly PlacedNode[],
  links: readonly PlacedLink[],
): string[] {
  const heights = new Map<string, number>();
  columns.forEach((others, index) => {
    if (index === column) return;
    others.forEach((name, row) => heights.set(name, (row + 0.5) / others.length));
  });
  const serviceOf = new Map(nodes.map(({ name, service }) => [name, service]));
  const height = (name: string): number => {
    const service = serviceOf.get(name);
    const reached = links.flatMap(({ from, to }) => {
      const other = serviceOf.get(from) === service ? to : serviceOf.get(to) === service ? from : null;
      const found = other === null ? undefined : heights.get(other);
      return found === undefined ? [] : [found];
    });
    if (reached.length === 0) return 0.5;
    return reached.reduce((sum, value) => sum + value, 0) / reached.length;
  };
  const known = new Map(names.map((name) => [name, height(name)]));
  return names.toSorted(
    (left, right) => (known.get(left) ?? 0) - (known.get(right) ?? 0) || left.localeCompare(right, 'en'),
  );
}
