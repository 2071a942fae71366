/**
 * Orders on their way through the saga, as dots on the lines of the drawing. Memory is bounded: what does not fit is only
 * counted. Pure; times in milliseconds, coordinates in the drawing's units.
 */
import type { Move } from '@ballast/contracts';

/** A line as points at even distances. */
type Polyline = readonly { x: number; y: number }[];

export type FlowDot = { x: number; y: number; kind: 'forward' | 'failure' | 'compensation' };

export type FlowLine = { points: Polyline; kind: FlowDot['kind'] };

/** The most dots under way at a time. */
export const mostDots = 600;

/** How long a dot takes from state to state. */
export const travelTime = 700;

/** Moves that were told together did not happen together: they set out within this time. */
const spread = 450;

export type Flow = {
  /** Lets orders set out. Answers how many had no line or no room. */
  add(moves: readonly Move[], now: number): number;
  /** Where the dots are; those that have arrived are gone. */
  step(now: number): FlowDot[];
  /** Whether anything moves or waits to set out. */
  busy(): boolean;
};

/** `lines` by `from>to`. An order's first step has no line: it begins in its state. */
export function createFlow(lines: ReadonlyMap<string, FlowLine>): Flow {
  let travellers: { line: FlowLine; startsAt: number }[] = [];
  return {
    add(moves, now) {
      const steps = moves.filter(({ from }) => from !== null);
      let left = 0;
      steps.forEach(({ from, to }, index) => {
        const line = lines.get(`${from}>${to}`);
        if (line === undefined || travellers.length >= mostDots) left += 1;
        else travellers.push({ line, startsAt: now + (spread * index) / steps.length });
      });
      return left;
    },
    step(now) {
      travellers = travellers.filter(({ startsAt }) => now - startsAt < travelTime);
      return travellers
        .filter(({ startsAt }) => now >= startsAt)
        .flatMap(({ line, startsAt }) => {
          const point = pointAt(line.points, ease((now - startsAt) / travelTime));
          return point === undefined ? [] : [{ x: point.x, y: point.y, kind: line.kind }];
        });
    },
    busy: () => travellers.length > 0,
  };
}

function pointAt(points: Polyline, share: number): { x: number; y: number } | undefined {
  return points[Math.min(points.length - 1, Math.max(0, Math.round(share * (points.length - 1))))];
}

/** Slow away and slow in, so that the eye can follow. */
function ease(share: number): number {
  return share < 0.5 ? 2 * share * share : 1 - (2 - 2 * share) ** 2 / 2;
}
