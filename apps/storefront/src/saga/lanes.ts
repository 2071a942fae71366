/** Sorts a saga's states into the way forward and what lies beside it. Pure. */
import type { SagaDiagram } from '@ballast/contracts';

/** Names of states: `main` is the way forward in order, `side` what a failure leads to. */
export type Lanes = { main: string[]; side: string[] };

/**
 * The way forward is the longest chain of `forward` transitions from the initial state. The rest goes beside it:
 * first the end that compensation reaches, then the states that undo, then every other end, so that undoing is drawn
 * backwards and what needs a person lies ahead.
 */
export function sortIntoLanes(diagram: SagaDiagram): Lanes {
  const main = longestForwardChain(diagram, diagram.initial, new Set());
  const beside = diagram.states.filter((state) => !main.includes(state.name));
  const undoing = beside.filter((state) => !state.final).map((state) => state.name);
  const ends = beside.filter((state) => state.final).map((state) => state.name);
  const undone = ends.find((name) =>
    diagram.transitions.some(({ from, to, kind }) => to === name && from !== name && kind === 'compensation'),
  );
  const otherEnds = ends.filter((name) => name !== undone);
  return { main, side: [...(undone === undefined ? [] : [undone]), ...undoing, ...otherEnds] };
}

function longestForwardChain(diagram: SagaDiagram, from: string, visited: ReadonlySet<string>): string[] {
  const seen = new Set([...visited, from]);
  const next = new Set(
    diagram.transitions
      .filter((transition) => transition.kind === 'forward' && transition.from === from)
      .map((transition) => transition.to)
      .filter((to) => !seen.has(to)),
  );
  let longest: string[] = [];
  for (const to of next) {
    const chain = longestForwardChain(diagram, to, seen);
    if (chain.length > longest.length) longest = chain;
  }
  return [from, ...longest];
}
