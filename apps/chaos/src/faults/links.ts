/** Toxics on links. */
import { ProblemError } from '@ballast/service';
import type { Mesh } from '../clients/mesh.ts';
import type { Toxiproxy } from '../clients/toxiproxy.ts';
import { linkEffect, strangeAttribute } from '../domain/toxics.ts';
import { kindOf, linksMeant, titleOf } from '../domain/wording.ts';
import type { Planner } from './lever.ts';
import { notReady } from './readiness.ts';
import type { Targets } from './targets.ts';
import { createTurns } from './turns.ts';

/** Toxics of ours are known by it, also after a restart. */
export const toxicPrefix = 'chaos-';

export function planLink(mesh: Mesh, targets: Targets, toxiproxy: Toxiproxy | null): Planner<'link'> {
  /** By proxy, the faults that have switched it off: it is on again when the last of them is over. */
  const switchedOff = new Map<string, Set<string>>();

  /** Off and on overtake each other otherwise, and a link is on that a fault has cut, or off for nobody. */
  const turns = createTurns();
  const switchOff = (proxy: string, id: string): Promise<void> =>
    turns(proxy, async () => {
      const faults = switchedOff.get(proxy) ?? new Set();
      switchedOff.set(proxy, faults.add(id));
      await toxiproxy!.enable(proxy, false);
    });
  const switchOn = (proxy: string, id: string): Promise<void> =>
    turns(proxy, async () => {
      const faults = switchedOff.get(proxy);
      const others = faults === undefined ? 0 : faults.size - (faults.has(id) ? 1 : 0);
      if (others === 0) await toxiproxy!.enable(proxy, true);
      faults?.delete(id);
      if (faults?.size === 0) switchedOff.delete(proxy);
    });

  return async (id, request) => {
    if (toxiproxy === null) {
      throw new ProblemError('invalid-input', 'No link can be broken here: TOXIPROXY_URL is not set.', {
        field: 'kind',
      });
    }
    const strange = strangeAttribute(request);
    if (strange !== undefined) {
      throw new ProblemError('invalid-input', `${request.toxic} has no ${strange}.`, {
        field: `attributes.${strange}`,
      });
    }
    const known = await targets.links();
    const meant = linksMeant(request, known);
    if (meant.length === 0) {
      const field = linksMeant({ ...request, to: '*' }, known).length === 0 ? 'from' : 'to';
      throw new ProblemError('invalid-input', `There is no link ${request.from} → ${request.to}.`, { field });
    }
    const effect = linkEffect(request);
    const proxies = meant.map(({ from, to }) => `${from}.${to}`);
    const name = `${toxicPrefix}${id}`;
    const nodes = [...new Set(meant.flatMap(({ from, to }) => [from, to]))];
    const touched = nodes.map((node) => mesh.find(node)).filter((instance) => instance !== undefined);
    const onAll = async (work: (proxy: string) => Promise<void>): Promise<void> => {
      const outcomes = await Promise.allSettled(proxies.map(work));
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    };
    return {
      title: titleOf(request),
      nodes,
      links: meant.map(({ from, to }) => `${from}>${to}`),
      kind: kindOf(request),
      lasts: true,
      exclusive: null,
      inject: () =>
        onAll((proxy) =>
          effect.how === 'disable'
            ? switchOff(proxy, id)
            : toxiproxy.add(proxy, {
                name,
                type: effect.type,
                stream: effect.stream,
                toxicity: effect.toxicity,
                attributes: effect.attributes,
              }),
        ),
      end: () => onAll((proxy) => (effect.how === 'disable' ? switchOn(proxy, id) : toxiproxy.remove(proxy, name))),
      waiting: () => notReady(mesh, touched),
    };
  };
}
