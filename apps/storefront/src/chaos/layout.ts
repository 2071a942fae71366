/** Where each node and link of the mesh is drawn. Pure: columns go in, coordinates come out. */
import { sortIntoColumns } from './columns.ts';
import type { PlacedLink, PlacedNode } from './columns.ts';

export type NodeBox = { name: string; column: number; x: number; y: number; width: number; height: number };

export type LinkPath = {
  key: string;
  from: string;
  to: string;
  /** SVG path data. */
  path: string;
  /** Where its label stands: at the side it starts from, and ends there where it is `before` it. */
  label: { x: number; y: number; before: boolean };
  /** Its middle, for marks. */
  middle: { x: number; y: number };
};

/** Lengths are in the drawing's own units, one CSS pixel at natural size. */
export type MeshLayout = { width: number; height: number; nodes: NodeBox[]; links: LinkPath[] };

const nodeWidth = 164;
const shortestNode = 58;
/** Between the places where lines leave a box. */
const portGap = 13;
const nodeGap = 16;
const columnGap = [170, 290];
/** Room on the right for lines between nodes of the last column; those of other columns turn on their left. */
const turningRoom = 46;
const edge = 4;

export function linkKey(from: string, to: string): string {
  return `${from}>${to}`;
}

/** Lays the mesh out. Links to nodes that are not there are left out. */
export function layoutMesh(nodes: readonly PlacedNode[], links: readonly PlacedLink[]): MeshLayout {
  const columns = sortIntoColumns(nodes, links);
  const known = new Set(nodes.map(({ name }) => name));
  const drawn = links.filter(({ from, to }) => known.has(from) && known.has(to) && from !== to);
  const heightOf = (name: string): number => {
    const out = drawn.filter(({ from }) => from === name).length;
    return Math.max(shortestNode, out * portGap + 12);
  };
  const tallest = Math.max(0, ...columns.map((column) => columnHeight(column, heightOf)));
  const boxes: NodeBox[] = columns.flatMap((column, index) => {
    const room = tallest - columnHeight(column, heightOf);
    // What is left over is shared out between the boxes, so that a short column is as tall as the others.
    const spare = room / (column.length + 1);
    let y = edge + spare;
    return column.map((name) => {
      const box = { name, column: index, x: columnStart(index), y, width: nodeWidth, height: heightOf(name) };
      y += box.height + nodeGap + spare;
      return box;
    });
  });
  const byName = new Map(boxes.map((box) => [box.name, box]));
  return {
    width: columnStart(Math.max(0, columns.length - 1)) + nodeWidth + turningRoom,
    height: tallest + 2 * edge,
    nodes: boxes,
    links: routeLinks(drawn, byName),
  };
}

function columnStart(index: number): number {
  let start = edge;
  for (let column = 0; column < index; column += 1) start += nodeWidth + (columnGap[column] ?? columnGap[1] ?? 0);
  return start;
}

function columnHeight(column: readonly string[], heightOf: (name: string) => number): number {
  return column.reduce((sum, name) => sum + heightOf(name), 0) + Math.max(0, column.length - 1) * nodeGap;
}

/** Each line has its own place on both boxes, in the order in which the other ends stand: lines of a box do not cross. */
function routeLinks(links: readonly PlacedLink[], boxes: ReadonlyMap<string, NodeBox>): LinkPath[] {
  const boxOf = (name: string): NodeBox => {
    const box = boxes.get(name);
    if (box === undefined) throw new Error(`${name} has no place in the drawing`);
    return box;
  };
  const lastColumn = Math.max(...[...boxes.values()].map(({ column }) => column));
  const middleOf = (name: string): number => boxOf(name).y + boxOf(name).height / 2;
  const place = (ends: readonly PlacedLink[], link: PlacedLink, end: 'from' | 'to'): number => {
    const other = end === 'from' ? 'to' : 'from';
    const sorted = ends.toSorted((left, right) => middleOf(left[other]) - middleOf(right[other]));
    const box = boxOf(link[end]);
    return box.y + (box.height * (sorted.indexOf(link) + 0.5)) / sorted.length;
  };
  return links.map((link) => {
    const from = boxOf(link.from);
    const to = boxOf(link.to);
    const leaving = links.filter((other) => other.from === link.from && sideOf(boxOf, other) === sideOf(boxOf, link));
    const arriving = links.filter((other) => other.to === link.to && sideOf(boxOf, other) === sideOf(boxOf, link));
    const y1 = place(leaving, link, 'from');
    const y2 = place(arriving, link, 'to');
    const ends = { key: linkKey(link.from, link.to), from: link.from, to: link.to };
    if (from.column === to.column) return { ...ends, ...turn(from, to, y1, y2, from.column === lastColumn) };
    const forward = to.column > from.column;
    const x1 = forward ? from.x + from.width : from.x;
    const x2 = forward ? to.x : to.x + to.width;
    return { ...ends, ...sweep(x1, y1, x2, y2) };
  });
}

/** Where a line runs: to the right, to the left, or back to its own column. Each kind has its places apart. */
function sideOf(boxOf: (name: string) => NodeBox, link: PlacedLink): number {
  return Math.sign(boxOf(link.to).column - boxOf(link.from).column);
}

type Drawn = Pick<LinkPath, 'path' | 'label' | 'middle'>;

function sweep(x1: number, y1: number, x2: number, y2: number): Drawn {
  const bend = (x2 - x1) * 0.5;
  return {
    path: `M${round(x1)} ${round(y1)}C${round(x1 + bend)} ${round(y1)} ${round(x2 - bend)} ${round(y2)} ${round(x2)} ${round(y2)}`,
    label: { x: round(x1 + Math.sign(x2 - x1) * 8), y: round(y1), before: x2 < x1 },
    middle: { x: round((x1 + x2) / 2), y: round((y1 + y2) / 2) },
  };
}

/** Between two boxes of one column, on its outer side: the last column's right one, the others' left one. */
function turn(from: NodeBox, to: NodeBox, y1: number, y2: number, onRight: boolean): Drawn {
  const outward = onRight ? 1 : -1;
  const x = onRight ? from.x + from.width : from.x;
  const reach = x + outward * Math.min(turningRoom, 18 + Math.abs(y2 - y1) / 12);
  return {
    path: `M${round(x)} ${round(y1)}C${round(reach)} ${round(y1)} ${round(reach)} ${round(y2)} ${round(onRight ? to.x + to.width : to.x)} ${round(y2)}`,
    label: { x: round(x + outward * 6), y: round(y1), before: !onRight },
    middle: { x: round(x + (reach - x) * 0.75), y: round((y1 + y2) / 2) },
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
