/** Where the dots of orders stand that wait in a state. Pure. */
import type { NodeBox } from '../saga/layout.ts';

const gap = 7;
const margin = 10;

/** Dots along the foot of a state's box, as many as there is room for in one row: its count says the rest. */
export function restingDots(box: NodeBox, count: number): { x: number; y: number }[] {
  const room = Math.floor((box.width - 2 * margin) / gap) + 1;
  const shown = Math.min(count, room);
  const first = box.x + box.width / 2 - ((shown - 1) * gap) / 2;
  return Array.from({ length: shown }, (_, index) => ({ x: first + index * gap, y: box.y + box.height - 7 }));
}
