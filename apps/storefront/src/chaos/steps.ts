/** Where an arrow key leads in the drawing of the mesh. Pure. */
import type { NodeBox } from './layout.ts';

export type Arrow = 'ArrowUp' | 'ArrowDown' | 'ArrowLeft' | 'ArrowRight' | 'Home' | 'End';

/** The next box in that direction: within the column up and down, to the nearest of the next column sideways. */
export function nextNode(boxes: readonly NodeBox[], from: string, arrow: Arrow): string {
  const here = boxes.find(({ name }) => name === from);
  if (here === undefined) return from;
  if (arrow === 'Home') return boxes[0]?.name ?? from;
  if (arrow === 'End') return boxes.at(-1)?.name ?? from;
  if (arrow === 'ArrowUp' || arrow === 'ArrowDown') {
    const column = boxes
      .filter(({ column: other }) => other === here.column)
      .toSorted((left, right) => left.y - right.y);
    return column[column.indexOf(here) + (arrow === 'ArrowUp' ? -1 : 1)]?.name ?? from;
  }
  const wanted = here.column + (arrow === 'ArrowLeft' ? -1 : 1);
  const middle = (box: NodeBox): number => box.y + box.height / 2;
  const beside = boxes
    .filter(({ column }) => column === wanted)
    .toSorted((left, right) => Math.abs(middle(left) - middle(here)) - Math.abs(middle(right) - middle(here)));
  return beside[0]?.name ?? from;
}

/** The next of a list: links have no place of their own on the screen that arrows could mean. */
export function nextInList(keys: readonly string[], from: string, arrow: Arrow): string {
  const index = keys.indexOf(from);
  if (arrow === 'Home') return keys[0] ?? from;
  if (arrow === 'End') return keys.at(-1) ?? from;
  const step = arrow === 'ArrowUp' || arrow === 'ArrowLeft' ? -1 : 1;
  return keys[index + step] ?? from;
}
