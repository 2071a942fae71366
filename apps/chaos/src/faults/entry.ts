/** A fault as the engine keeps it, and as everybody else sees it. */
import type { Fault, FaultRequest } from '@ballast/contracts';
import { createReceipt, type Receipt } from '../domain/receipt.ts';
import type { Plan } from './lever.ts';

/** A fault with what the engine needs for it. Times are in ms since 1970. */
export interface Entry {
  id: string;
  request: FaultRequest;
  plan: Plan;
  receipt: Receipt;
  state: Fault['state'];
  injectedAt: number;
  until: number;
  endedAt: number | null;
  recovery: number | null;
  detail: string | null;
  timer: NodeJS.Timeout | undefined;
  /** Stops looking whether it has ended by itself. */
  watching: AbortController;
  /** Resolves when it is really over. */
  over: Promise<void>;
  isOver: () => void;
  injecting: boolean;
  ending: boolean;
  /** To be ended as soon as it is injected. */
  endWanted: boolean;
  /** Another has taken its place: what is there is no longer its own to take back. */
  replaced: boolean;
  /** It failed, may be there all the same, and is being taken back. */
  undoing: boolean;
}

/** One that is about to be injected. */
export function newEntry(id: string, request: FaultRequest, plan: Plan): Entry {
  const { promise, resolve } = Promise.withResolvers<void>();
  const now = Date.now();
  return {
    id,
    request,
    plan,
    receipt: createReceipt(),
    state: 'active',
    injectedAt: now,
    until: now + request.seconds * 1_000,
    endedAt: null,
    recovery: null,
    detail: 'It is being injected.',
    timer: undefined,
    watching: new AbortController(),
    over: promise,
    isOver: resolve,
    injecting: true,
    ending: false,
    endWanted: false,
    replaced: false,
    undoing: false,
  };
}

/** Whether it is `healed` or `failed`: nothing is done about it any more. */
export const isFinished = ({ state }: Entry): boolean => state !== 'active' && state !== 'recovering';

/** As the contract has it. */
export function shown(entry: Entry): Fault {
  const { id, request, plan, state, injectedAt, until, endedAt, detail, receipt, recovery } = entry;
  return {
    id,
    request,
    title: plan.title,
    nodes: [...plan.nodes],
    links: [...plan.links],
    state,
    injectedAt: new Date(injectedAt).toISOString(),
    until: new Date(until).toISOString(),
    endedAt: endedAt === null ? null : new Date(endedAt).toISOString(),
    detail,
    receipt: { ...receipt.figures(), kind: plan.kind, recovery },
  };
}
