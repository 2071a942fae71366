/** One stop of the Tab key for many things: arrow keys move between them (WAI-ARIA, "roving tabindex"). */
import { useRef, useState } from 'preact/hooks';
import type { Arrow } from '../../chaos/steps.ts';

const arrows: ReadonlySet<string> = new Set(['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight', 'Home', 'End']);

export type Roving = {
  /** For the group around them. */
  group: { onKeyDown: (event: KeyboardEvent) => void };
  /** For each of them. */
  item(key: string): { tabindex: 0 | -1; onFocus: () => void; ref: (element: SVGGElement | null) => void };
};

/** `move` answers where an arrow leads from one of the keys; to itself where there is nothing further. */
export function useRoving(keys: readonly string[], move: (from: string, arrow: Arrow) => string): Roving {
  const [last, setLast] = useState<string | null>(null);
  const elements = useRef(new Map<string, SVGGElement>());
  const current = last !== null && keys.includes(last) ? last : (keys[0] ?? null);
  return {
    group: {
      onKeyDown(event) {
        if (!arrows.has(event.key) || current === null) return;
        if (event.altKey || event.ctrlKey || event.metaKey) return;
        event.preventDefault();
        elements.current.get(move(current, event.key as Arrow))?.focus();
      },
    },
    item: (key) => ({
      // In lower case: on SVG elements attributes are set as they are written.
      tabindex: key === current ? 0 : -1,
      onFocus: () => setLast(key),
      ref: (element) => {
        if (element === null) elements.current.delete(key);
        else elements.current.set(key, element);
      },
    }),
  };
}
