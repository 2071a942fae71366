/** Boxes and the lines between them: the geometry of the saga drawing. Pure. */
import type { Lanes } from './lanes.ts';

export type Orientation = 'wide' | 'tall';
export type Lane = 'main' | 'side';

export type NodeBox = {
  name: string;
  lane: Lane;
  index: number;
  x: number;
  y: number;
  width: number;
  height: number;
};

/** A line as SVG path data, and the middle of the place for its time. */
export type EdgeRoute = { path: string; label: { x: number; y: number } };

export type Metrics = {
  orientation: Orientation;
  nodeWidth: number;
  nodeHeight: number;
  /** From one box's start to the next one's along the lane. */
  pitch: number;
  /** From the main lane's start to the side lane's, across. */
  crossing: number;
  mainOffset: number;
  sideOffset: number;
  sideCount: number;
  /** Room before the main lane, for lines that turn back on its outer side. */
  margin: number;
  width: number;
  height: number;
};

type Point = { x: number; y: number };

const edgeRoom = 3;

/** Room for a line on the outer side of a lane. */
const turningRoom = 34;

/** Which lanes have a line on their outer side: one that skips a box, goes back over one, or returns to its own. */
export type Turns = Record<Lane, boolean>;

/** The measures of a drawing with these lanes. */
export function metricsFor(lanes: Lanes, turns: Turns, orientation: Orientation): Metrics {
  const longest = Math.max(lanes.main.length, lanes.side.length);
  const wide = orientation === 'wide';
  const nodeWidth = wide ? 176 : 144;
  const nodeHeight = wide ? 60 : 64;
  const pitch = wide ? 246 : 110;
  const crossing = wide ? 164 : 188;
  const margin = turns.main ? turningRoom : edgeRoom;
  const marginAfter = turns.side ? turningRoom : edgeRoom;
  // The side lane stands half a step off the main one, so that lines coming down pass beside the boxes' own arrows.
  const shift = Math.max(0, Math.floor((longest - lanes.side.length - 1) / 2)) + 0.5;
  const along = wide ? nodeWidth : nodeHeight;
  const mainEnd = (lanes.main.length - 1) * pitch + along;
  const sideEnd = lanes.side.length === 0 ? 0 : (shift + lanes.side.length - 1) * pitch + along;
  const length = Math.max(mainEnd, sideEnd) + 2 * edgeRoom;
  const breadth = (lanes.side.length === 0 ? 0 : crossing) + (wide ? nodeHeight : nodeWidth) + margin + marginAfter;
  return {
    orientation,
    nodeWidth,
    nodeHeight,
    pitch,
    crossing,
    mainOffset: wide ? ((longest - lanes.main.length) / 2) * pitch : 0,
    sideOffset: shift * pitch,
    sideCount: lanes.side.length,
    margin,
    width: wide ? length : breadth,
    height: wide ? breadth : length,
  };
}

/** The box of the state with this place in its lane. */
export function placeNode(metrics: Metrics, name: string, lane: Lane, index: number): NodeBox {
  const along = edgeRoom + (lane === 'main' ? metrics.mainOffset : metrics.sideOffset) + index * metrics.pitch;
  const across = metrics.margin + (lane === 'main' ? 0 : metrics.crossing);
  const wide = metrics.orientation === 'wide';
  return {
    name,
    lane,
    index,
    x: wide ? along : across,
    y: wide ? across : along,
    width: metrics.nodeWidth,
    height: metrics.nodeHeight,
  };
}

/** The line from one box to another, clear of the boxes between them; `both` when another one leads the other way. */
export function routeEdge(metrics: Metrics, from: NodeBox, to: NodeBox, both = false): EdgeRoute {
  if (from === to) return loop(metrics, from);
  if (from.lane !== to.lane) return cross(metrics, from, to);
  if (Math.abs(from.index - to.index) === 1) return neighbour(metrics, from, to, both);
  return arc(metrics, from, to);
}

function centre(box: NodeBox): Point {
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

function neighbour(metrics: Metrics, from: NodeBox, to: NodeBox, both: boolean): EdgeRoute {
  const ahead = to.index > from.index;
  const start = centre(from);
  const end = centre(to);
  // There and back lie side by side.
  const shift = both ? (ahead ? -11 : 11) : 0;
  for (const point of [start, end]) {
    if (metrics.orientation === 'wide') point.y += shift;
    else point.x += shift;
  }
  if (metrics.orientation === 'wide') {
    start.x = ahead ? from.x + from.width : from.x;
    end.x = ahead ? to.x : to.x + to.width;
  } else {
    start.y = ahead ? from.y + from.height : from.y;
    end.y = ahead ? to.y : to.y + to.height;
  }
  // On a narrow screen the times of lines that come across stand in the same gaps, on the left.
  const aside = metrics.orientation === 'tall' && from.lane === 'side' ? 32 + shift : 0;
  return {
    path: `M${start.x} ${start.y}L${end.x} ${end.y}`,
    label: { x: (start.x + end.x) / 2 + aside, y: (start.y + end.y) / 2 },
  };
}

/** From one lane to the other along a rail that all lines to the same box share. */
function cross(metrics: Metrics, from: NodeBox, to: NodeBox): EdgeRoute {
  const wide = metrics.orientation === 'wide';
  const down = to.lane === 'side';
  // Each target has its own rail and its own place on the box it comes from, so that lines never lie on one another.
  const place = (down ? to.index : from.index) - (metrics.sideCount - 1) / 2;
  if (wide) {
    const spread = place * 26;
    const x1 = centre(from).x + spread;
    const x2 = centre(to).x + (down ? 0 : spread);
    const y1 = down ? from.y + from.height : from.y;
    const y2 = down ? to.y : to.y + to.height;
    const rail = (down ? y2 : y1) - 26 - Math.abs(place) * 10;
    return { path: elbow({ x: x1, y: y1 }, { x: x2, y: y2 }, rail, 'y'), label: { x: x1, y: (y1 + rail) / 2 + 2 } };
  }
  const spread = place * 12;
  const y1 = centre(from).y + spread;
  const y2 = centre(to).y + (down ? 0 : spread);
  const x1 = down ? from.x + from.width : from.x;
  const x2 = down ? to.x : to.x + to.width;
  const rail = (down ? x2 : x1) - 18 - Math.abs(place) * 8;
  return {
    path: elbow({ x: x1, y: y1 }, { x: x2, y: y2 }, rail, 'x'),
    label: { x: Math.max(x1, x2) + 22, y: y1 },
  };
}

/** A line in three parts with rounded corners: to the rail, along it, and from it. */
function elbow(start: Point, end: Point, rail: number, axis: 'x' | 'y'): string {
  const along = axis === 'y' ? end.x - start.x : end.y - start.y;
  if (Math.abs(along) < 1) return `M${start.x} ${start.y}L${end.x} ${end.y}`;
  const radius = Math.min(10, Math.abs(along) / 2);
  const turn = Math.sign(along) * radius;
  if (axis === 'y') {
    const first = Math.sign(rail - start.y) * radius;
    const second = Math.sign(end.y - rail) * radius;
    return (
      `M${start.x} ${start.y}V${rail - first}Q${start.x} ${rail} ${start.x + turn} ${rail}` +
      `H${end.x - turn}Q${end.x} ${rail} ${end.x} ${rail + second}V${end.y}`
    );
  }
  const first = Math.sign(rail - start.x) * radius;
  const second = Math.sign(end.x - rail) * radius;
  return (
    `M${start.x} ${start.y}H${rail - first}Q${rail} ${start.y} ${rail} ${start.y + turn}` +
    `V${end.y - turn}Q${rail} ${end.y} ${rail + second} ${end.y}H${end.x}`
  );
}

/** Past the boxes between, on the outer side of the lane. */
function arc(metrics: Metrics, from: NodeBox, to: NodeBox): EdgeRoute {
  const outward = from.lane === 'main' ? -1 : 1;
  if (metrics.orientation === 'wide') {
    const y = from.lane === 'main' ? from.y : from.y + from.height;
    // Beside the middle, where a box's own loop may stand.
    const aside = Math.sign(to.index - from.index) * 44;
    const [x1, x2] = [centre(from).x + aside, centre(to).x - aside];
    const peak = y + outward * (turningRoom - 10);
    return {
      path: `M${x1} ${y}C${x1} ${peak} ${x2} ${peak} ${x2} ${y}`,
      label: { x: (x1 + x2) / 2, y: y + outward * (turningRoom - 14) },
    };
  }
  const x = from.lane === 'main' ? from.x : from.x + from.width;
  const [y1, y2] = [centre(from).y, centre(to).y];
  const peak = x + outward * (turningRoom - 6);
  return {
    path: `M${x} ${y1}C${peak} ${y1} ${peak} ${y2} ${x} ${y2}`,
    label: { x, y: (y1 + y2) / 2 },
  };
}

/** Back to the box itself: a step that does not change the state. */
function loop(metrics: Metrics, box: NodeBox): EdgeRoute {
  const { x } = centre(box);
  const outward = box.lane === 'main' ? -1 : 1;
  const y = box.lane === 'main' ? box.y : box.y + box.height;
  const reach = y + outward * (metrics.orientation === 'wide' ? 26 : 18);
  return {
    path: `M${x - 16} ${y}C${x - 20} ${reach} ${x + 20} ${reach} ${x + 16} ${y}`,
    label: { x: x + 48, y: y + outward * (metrics.orientation === 'wide' ? 15 : 12) },
  };
}
