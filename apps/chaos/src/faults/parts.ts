/** What parts can be told to do by themselves. */
import { outboxPoint, partActions, type FaultRequest, type FaultTargets, type PartAction } from '@ballast/contracts';
import { ProblemError } from '@ballast/service';
import type { BrokerControl } from '../clients/broker.ts';
import type { Mesh } from '../clients/mesh.ts';
import type { RedisControl } from '../clients/redis.ts';
import type { VaultControl } from '../clients/vault.ts';
import { kindOf, partFaults, titleOf } from '../domain/wording.ts';
import type { MeshInstance } from '../state.ts';
import type { Backends } from '../store/backends.ts';
import type { Planner } from './lever.ts';
import { notReady } from './readiness.ts';
import type { Targets } from './targets.ts';

/** The controls there are; a sentence where one is missing. */
export interface PartControls {
  backends: Backends | string;
  broker: BrokerControl | string;
  redis: RedisControl | string;
  vault: VaultControl | string;
}

type PartRequest = Extract<FaultRequest, { kind: 'part' }>;
/** What to do, and how to take it back. */
interface Doing {
  inject: () => Promise<void>;
  end: () => Promise<void>;
}

const nothingToUndo = async (): Promise<void> => {};
/** Why an action is not possible here; null where it is. */
function unavailableBecause(action: PartAction, controls: PartControls): string | null {
  const { part } = partFaults[action];
  const needed = {
    postgres: controls.backends,
    rabbitmq: controls.broker,
    redis: controls.redis,
    vault: controls.vault,
  };
  const control = part === null ? null : needed[part as keyof typeof needed];
  if (typeof control === 'string') return control;
  if (action === 'vault.seal' && typeof controls.vault !== 'string' && !controls.vault.canUnseal) {
    return 'Vault is not sealed here: without VAULT_UNSEAL_KEY nobody could open it again.';
  }
  return null;
}

/** The list for `GET /targets`. */
export function partTargets(controls: PartControls): FaultTargets['parts'] {
  return partActions.map((action) => ({
    action,
    title: partFaults[action].title,
    unavailable: unavailableBecause(action, controls),
  }));
}

export function planPart(mesh: Mesh, targets: Targets, controls: PartControls): Planner<'part'> {
  const doing = partDoings(mesh, controls);
  return async (_id, request) => {
    const { action } = request;
    const unavailable = unavailableBecause(action, controls);
    if (unavailable !== null) throw new ProblemError('invalid-input', unavailable, { field: 'action' });
    const { part, lasts, perInstance } = partFaults[action];
    const named = request.instance === undefined ? undefined : mesh.find(request.instance);
    if (request.instance !== undefined && (!perInstance || named?.kind !== 'service')) {
      const why = perInstance ? `There is no service instance ${request.instance}.` : `${action} concerns everybody.`;
      throw new ProblemError('invalid-input', why, { field: 'instance' });
    }
    if (named !== undefined && action.startsWith('message.') && !(await targets.hasPoint(named, outboxPoint))) {
      throw new ProblemError('invalid-input', `${named.name} has no messages of its own.`, { field: 'instance' });
    }
    const touched = named === undefined ? await targets.usersOf(part) : [named];
    return {
      title: titleOf(request),
      nodes: [...(part === null ? [] : [part]), ...(named === undefined ? [] : [named.name])],
      links: part === null ? [] : touched.map(({ name }) => `${name}>${part}`),
      kind: kindOf(request),
      lasts,
      exclusive: lasts ? `part ${action}` : null,
      ...doing(request, named),
      waiting: () => notReady(mesh, touched),
    };
  };
}

/** The actions, one entry each. What is missing was refused before. */
function partDoings(mesh: Mesh, controls: PartControls): (request: PartRequest, named?: MeshInstance) => Doing {
  const have = <Control extends object>(control: Control | string): Control => {
    if (typeof control === 'string') throw new Error(control);
    return control;
  };
  const atOnce = (inject: () => Promise<unknown>): Doing => ({
    inject: async () => void (await inject()),
    end: nothingToUndo,
  });
  const tellAgain = (what: 'poison' | 'duplicate', named?: MeshInstance): Doing =>
    atOnce(() => (named === undefined ? messageEverybody(mesh, what) : mesh.message(named, what)));

  return ({ action, seconds }, named) => {
    const { backends, broker, redis, vault } = controls;
    switch (action) {
      case 'postgres.end-backends':
        return atOnce(() => have(backends).end(named?.name ?? null));
      case 'rabbitmq.close-connections':
        return atOnce(() => have(broker).closeConnections());
      case 'rabbitmq.memory-alarm':
        return { inject: () => have(broker).raiseAlarm(), end: () => have(broker).endAlarm() };
      case 'redis.flush':
        return atOnce(() => have(redis).flush());
      case 'redis.freeze':
        return { inject: () => have(redis).freeze(seconds), end: () => have(redis).thaw() };
      case 'vault.seal':
        return { inject: () => have(vault).seal(), end: () => have(vault).unseal() };
      case 'vault.revoke-leases':
        return atOnce(() => have(vault).revokeLeases(named?.service ?? null));
      case 'message.poison':
        return tellAgain('poison', named);
      case 'message.duplicate':
        return tellAgain('duplicate', named);
    }
  };
}

/** One instance of each service that has messages; at least one must have. */
async function messageEverybody(mesh: Mesh, what: 'poison' | 'duplicate'): Promise<void> {
  const services = new Map<string, MeshInstance>();
  for (const instance of mesh.instances) {
    if (instance.kind === 'service' && !services.has(instance.service)) services.set(instance.service, instance);
  }
  const outcomes = await Promise.allSettled([...services.values()].map((instance) => mesh.message(instance, what)));
  if (outcomes.some(({ status }) => status === 'fulfilled')) return;
  const [first] = outcomes;
  throw first?.status === 'rejected' ? first.reason : new Error('there is nobody who sends messages');
}
