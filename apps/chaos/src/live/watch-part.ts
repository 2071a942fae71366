/** A part (PostgreSQL, Redis, RabbitMQ), looked at once a second: its own answer, and what those say who need it. */
import type { LiveNode } from '@ballast/contracts';
import { codeOf, messageOf } from '../clients/http.ts';
import { noFigures } from './figures.ts';
import { canProbe, probePart } from './part-probe.ts';

const timeoutMs = 800;

export interface WatchedPart {
  look(): Promise<void>;
  /** `nodes` are the services as they stand. */
  node(nodes: readonly LiveNode[]): LiveNode;
  forget(): void;
}

/** Names under which services list a part they cannot use. */
const otherNames: Record<string, readonly string[]> = { postgres: ['postgres', 'database'] };

/** `probe` is for tests. */
export function watchPart({ name, url }: { name: string; url: string }, probe = probePart): WatchedPart {
  let state: Pick<LiveNode, 'state' | 'failing'> = { state: 'unknown', failing: {} };
  let looking = false;
  return {
    look: async () => {
      if (looking || !canProbe(url)) return;
      looking = true;
      try {
        await probe(url, timeoutMs);
        state = { state: 'ready', failing: {} };
      } catch (error) {
        const gone = codeOf(error) === 'ECONNREFUSED';
        state = { state: gone ? 'unreachable' : 'not-ready', failing: { [name]: messageOf(error) } };
      } finally {
        looking = false;
      }
    },
    node: (nodes) => {
      const complaint = sharedComplaint(nodes, otherNames[name] ?? [name]);
      const { breakers: _, ...shown } = noFigures;
      return {
        name,
        service: name,
        kind: 'part',
        ...(state.state === 'ready' && complaint !== undefined
          ? { state: 'not-ready' as const, failing: { [name]: complaint } }
          : state),
        ...shown,
      };
    },
    forget: () => {
      state = { state: 'unknown', failing: {} };
    },
  };
}

/**
 * What is said of a part that answers and yet is of no use (a broker with a memory alarm): by at least two, who have nothing
 * in common but the part. One alone has trouble with its link.
 */
function sharedComplaint(nodes: readonly LiveNode[], names: readonly string[]): string | undefined {
  const complaints = nodes.flatMap(({ failing }) => names.flatMap((name) => failing[name] ?? []));
  const users = nodes.filter(({ kind, state }) => kind === 'service' && (state === 'ready' || state === 'not-ready'));
  return complaints.length >= 2 && complaints.length * 2 >= users.length ? complaints[0] : undefined;
}
