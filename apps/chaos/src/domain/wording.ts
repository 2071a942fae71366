/** What a fault is called, what it hurts, and which links a request means. */
import type { FaultRequest, PartAction } from '@ballast/contracts';
import { tickPoint } from '@ballast/contracts';
import { linkEffect, type LinkRequest } from './toxics.ts';

interface Link {
  from: string;
  to: string;
}

/** Receipt kinds by the part at the other end of a link. */
const partKinds: Readonly<Record<string, string>> = {
  postgres: 'postgres',
  redis: 'redis',
  rabbitmq: 'broker-connection',
  vault: 'vault',
};

/** What each part's control is called, what it hurts, and whether it lasts. */
export const partFaults: Readonly<
  Record<PartAction, { title: string; kind: string; part: string | null; lasts: boolean; perInstance: boolean }>
> = {
  'postgres.end-backends': {
    title: 'PostgreSQL ends every session',
    kind: 'postgres',
    part: 'postgres',
    lasts: false,
    perInstance: true,
  },
  'rabbitmq.close-connections': {
    title: 'RabbitMQ closes every connection',
    kind: 'broker-connection',
    part: 'rabbitmq',
    lasts: false,
    perInstance: false,
  },
  'rabbitmq.memory-alarm': {
    title: 'RabbitMQ has its memory alarm on',
    kind: 'broker',
    part: 'rabbitmq',
    lasts: true,
    perInstance: false,
  },
  'redis.flush': {
    title: 'Redis forgets everything',
    kind: 'redis',
    part: 'redis',
    lasts: false,
    perInstance: false,
  },
  'redis.freeze': {
    title: 'Redis answers nobody',
    kind: 'redis',
    part: 'redis',
    lasts: true,
    perInstance: false,
  },
  'vault.seal': { title: 'Vault is sealed', kind: 'vault', part: 'vault', lasts: true, perInstance: false },
  'vault.revoke-leases': {
    title: 'Vault revokes every database login',
    kind: 'vault',
    part: 'vault',
    lasts: false,
    perInstance: true,
  },
  'message.poison': {
    title: 'A message nobody can read',
    kind: 'process',
    part: null,
    lasts: false,
    perInstance: true,
  },
  'message.duplicate': {
    title: 'The latest messages are told again',
    kind: 'process',
    part: null,
    lasts: false,
    perInstance: true,
  },
};

/** What was hurt, as the receipt names it. */
export function kindOf(request: FaultRequest): string {
  switch (request.kind) {
    case 'point':
    case 'control':
      return 'process';
    case 'link':
      return partKinds[request.to] ?? 'link';
    case 'part':
      return partFaults[request.action].kind;
  }
}

/** For a person. Controls have titles of their own. */
export function titleOf(request: Exclude<FaultRequest, { kind: 'control' }>): string {
  switch (request.kind) {
    case 'point':
      return pointTitle(request);
    case 'link':
      return linkTitle(request);
    case 'part': {
      const { title } = partFaults[request.action];
      return request.instance === undefined ? title : `${title} (${request.instance})`;
    }
  }
}

function pointTitle(request: Extract<FaultRequest, { kind: 'point' }>): string {
  const { instance, point, action, milliseconds, times } = request;
  const often = times === undefined ? '' : `, ${times === 1 ? 'once' : `${times} times`}`;
  const long = milliseconds === undefined ? '' : ` for ${milliseconds} ms`;
  if (point === tickPoint) return action === 'crash' ? `${instance} is killed` : `${instance} is frozen${long}${often}`;
  const verbs = { crash: 'crashes', error: 'fails', delay: 'is delayed', freeze: 'freezes' };
  return `${instance} ${verbs[action]} at ${point}${long}${often}`;
}

function linkTitle(request: LinkRequest): string {
  const from = request.from === '*' ? 'everybody' : request.from;
  const to = request.to === '*' ? 'everything' : request.to;
  const effect = linkEffect(request);
  const share = (request.toxicity ?? 1) === 1 ? '' : ` (${Math.round((request.toxicity ?? 1) * 100)}% of connections)`;
  if (effect.how === 'disable') return `${from} ↮ ${to}: cut off`;
  const upstream = effect.stream === 'upstream';
  if (request.toxic === 'drop') {
    return upstream ? `${from} ↛ ${to}: nothing arrives${share}` : `${from} ↚ ${to}: no answer arrives${share}`;
  }
  const value = (name: string): number => effect.attributes[name] ?? 0;
  const jitter = value('jitter') === 0 ? '' : ` ± ${value('jitter')}`;
  const what: Record<string, string> = {
    latency: `${value('latency')}${jitter} ms late`,
    bandwidth: `${value('rate')} KB/s`,
    slow_close: `closes ${value('delay')} ms late`,
    timeout: value('timeout') === 0 ? 'nothing arrives' : `silent, closed after ${value('timeout')} ms`,
    reset_peer: 'connections reset',
    slicer: `in slices of ${value('average_size')} bytes`,
    limit_data: `closed after ${value('bytes')} bytes`,
  };
  return `${from} ${upstream ? '→' : '←'} ${to}: ${what[request.toxic] ?? request.toxic}${share}`;
}

/** Links that a request means; `*` is every link of that end. */
export function linksMeant<Known extends Link>({ from, to }: LinkRequest, links: readonly Known[]): Known[] {
  return links.filter((link) => (from === '*' || link.from === from) && (to === '*' || link.to === to));
}
