/** What there is to break. It is looked up again now and then, and remembered for when it cannot be. */
import type { FaultTargets } from '@ballast/contracts';
import { ProblemError } from '@ballast/service';
import type { Mesh } from '../clients/mesh.ts';
import { linkOf, type Toxiproxy } from '../clients/toxiproxy.ts';
import type { ChaosState, MeshInstance, MeshLink } from '../state.ts';

/** What was looked up is good for that long, in ms. */
const freshMs = 3_000;

export interface Targets {
  /** Looks at all instances and links now; those that do not answer keep what was known of them. */
  refresh(): Promise<void>;
  /** Whether there is such a point, be it with a detail (`before-commit.order-placed`). True where nobody can say. */
  hasPoint(instance: MeshInstance, point: string): Promise<boolean>;
  /** Throws `unavailable` where Toxiproxy cannot be asked and never could. */
  links(): Promise<readonly MeshLink[]>;
  /** Services with a link to a part; all of them where there are no links. */
  usersOf(part: string | null): Promise<MeshInstance[]>;
  instances(): FaultTargets['instances'];
}

export function createTargets(parts: { mesh: Mesh; toxiproxy: Toxiproxy | null; state: ChaosState }): Targets {
  const { mesh, toxiproxy, state } = parts;
  const points = new Map<string, Set<string>>();
  let lookedAt = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | null = null;

  const lookAt = async (instance: MeshInstance): Promise<void> => {
    const known = points.get(instance.name) ?? new Set();
    for (const point of (await mesh.faults(instance)).points) known.add(point);
    points.set(instance.name, known);
  };
  const lookAtLinks = async (): Promise<void> => {
    if (toxiproxy === null) return;
    const links = Object.keys(await toxiproxy.proxies())
      .toSorted()
      .map(linkOf)
      .filter((link) => link !== null);
    const known = state.get('links');
    const same = links.length === known.length && links.every(({ from, to }, at) => same2(known[at], from, to));
    if (!same) state.set('links', links);
  };
  const services = mesh.instances.filter(({ kind }) => kind === 'service');
  const look = async (): Promise<void> => {
    await Promise.allSettled([...services.map(lookAt), lookAtLinks()]);
    lookedAt = performance.now();
    looking = null;
  };
  const refresh = (): Promise<void> => (looking ??= look());
  const fresh = async (): Promise<void> => {
    if (performance.now() - lookedAt > freshMs) await refresh();
  };

  return {
    refresh,
    hasPoint: async (instance, point) => {
      const matches = (known: Iterable<string>): boolean =>
        [...known].some((name) => point === name || point.startsWith(`${name}.`));
      if (matches(points.get(instance.name) ?? [])) return true;
      await fresh();
      const known = points.get(instance.name);
      return known === undefined || matches(known);
    },
    links: async () => {
      if (state.get('links').length === 0) {
        try {
          await lookAtLinks();
        } catch (cause) {
          throw new ProblemError('unavailable', 'Toxiproxy does not answer: no link can be broken now.', { cause });
        }
      } else await fresh();
      return state.get('links');
    },
    usersOf: async (part) => {
      const users = new Set(state.get('links').flatMap(({ from, to }) => (to === part ? [from] : [])));
      return users.size === 0 ? services : services.filter(({ name }) => users.has(name));
    },
    instances: () =>
      services.map(({ name, service }) => ({
        instance: name,
        service,
        points: [...(points.get(name) ?? [])].toSorted(),
      })),
  };
}

const same2 = (link: MeshLink | undefined, from: string, to: string): boolean => link?.from === from && link.to === to;
