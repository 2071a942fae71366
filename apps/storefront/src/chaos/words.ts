/** States, links and faults in words for a person. Pure. */
import type { Fault, FaultRequest, LiveLink, LiveNode, PartAction, Phase, VerdictState } from '@ballast/contracts';
import { tickPoint } from './names.ts';

/** A state as it is shown: a word, a sign that needs no colour, and the tone of the colour. */
export type Look = { word: string; sign: string; tone: 'good' | 'warn' | 'bad' | 'quiet' };

export const nodeLooks: Record<LiveNode['state'], Look> = {
  ready: { word: 'ready', sign: '●', tone: 'good' },
  'not-ready': { word: 'not ready', sign: '▲', tone: 'warn' },
  unreachable: { word: 'not reached', sign: '✕', tone: 'bad' },
  unknown: { word: 'not asked', sign: '?', tone: 'quiet' },
};

export const verdictLooks: Record<VerdictState, Look> = {
  holds: { word: 'Holds', sign: '✓', tone: 'good' },
  settling: { word: 'Settling', sign: '…', tone: 'warn' },
  violated: { word: 'Violated', sign: '✕', tone: 'bad' },
  unknown: { word: 'Not known', sign: '?', tone: 'quiet' },
};

export const phaseLooks: Record<Phase, Look & { sentence: string }> = {
  STEADY: { word: 'Steady', sign: '●', tone: 'good', sentence: 'Nothing is broken.' },
  INJECT: { word: 'Inject', sign: '◆', tone: 'quiet', sentence: 'Something is broken, and nobody has noticed.' },
  DEGRADED: { word: 'Degraded', sign: '▲', tone: 'bad', sentence: 'Something is broken, and it shows.' },
  RECOVERING: { word: 'Recovering', sign: '↺', tone: 'warn', sentence: 'It is healed, and not all is as before yet.' },
};

export const faultLooks: Record<Fault['state'], Look> = {
  active: { word: 'Active', sign: '◆', tone: 'bad' },
  recovering: { word: 'Recovering', sign: '↺', tone: 'warn' },
  healed: { word: 'Healed', sign: '✓', tone: 'good' },
  failed: { word: 'Not injected', sign: '✕', tone: 'quiet' },
};

/** What a fault means for those who notice it, without a full stop: "checkout-1 cannot reach rabbitmq". */
export function impactOf(request: FaultRequest): string {
  switch (request.kind) {
    case 'point':
      return pointImpact(request);
    case 'link':
      return linkImpact(request);
    case 'part':
      return request.instance === undefined
        ? partImpact[request.action]
        : `${partImpact[request.action]} (${request.instance})`;
    case 'control':
      return `the mesh is broken on purpose (${request.control})`;
    default:
      return request satisfies never;
  }
}

function pointImpact(request: Extract<FaultRequest, { kind: 'point' }>): string {
  const { instance, point, action, milliseconds, times } = request;
  const often = times === undefined ? 'each time' : times === 1 ? 'once' : `${times} times`;
  const where = point === tickPoint ? '' : ` at ${point}`;
  switch (action) {
    case 'crash':
      return point === tickPoint ? `${instance} is killed` : `${instance} dies${where}`;
    case 'freeze':
      return `${instance} stands still${where}`;
    case 'delay':
      return `${instance} is ${milliseconds ?? 0} ms late${where}`;
    case 'error':
      return `${instance} fails ${often}${where}`;
    default:
      return action satisfies never;
  }
}

function linkImpact(request: Extract<FaultRequest, { kind: 'link' }>): string {
  const { from, to, toxic, attributes } = request;
  const ends = `${from === '*' ? 'everybody' : from} → ${to === '*' ? 'everything' : to}`;
  switch (toxic) {
    case 'down':
      if (from === '*') return `nobody can reach ${to === '*' ? 'anything' : to}`;
      return `${from} cannot reach ${to === '*' ? 'anything' : to}`;
    case 'latency':
      return `${ends} is ${attributes?.['latency'] ?? 0} ms slower`;
    case 'bandwidth':
      return `${ends} carries ${attributes?.['rate'] ?? 0} KB/s at most`;
    case 'slow_close':
      return `${ends} closes late`;
    case 'timeout':
      return `${ends} gets no answer`;
    case 'reset_peer':
      return `${ends} is reset`;
    case 'slicer':
      return `${ends} arrives in pieces`;
    case 'limit_data':
      return `${ends} closes after ${attributes?.['bytes'] ?? 0} bytes`;
    case 'drop':
      return `${ends} loses what goes one way`;
    default:
      return toxic satisfies never;
  }
}

const partImpact: Record<PartAction, string> = {
  'postgres.end-backends': 'PostgreSQL has ended every connection of the services',
  'rabbitmq.close-connections': 'the broker has closed every connection',
  'rabbitmq.memory-alarm': 'the broker takes no messages',
  'redis.flush': 'Redis has forgotten everything',
  'redis.freeze': 'Redis answers nobody',
  'vault.seal': 'Vault is sealed',
  'vault.revoke-leases': 'database logins were revoked early',
  'message.poison': 'a message nobody can read lies in a queue',
  'message.duplicate': 'messages were told again',
};

/** A link as one sentence, for those who hear it. */
export function linkSentence(link: LiveLink): string {
  const parts = [
    `${link.from} to ${link.to}`,
    `${formatRate(link.bytesPerSecond)}, ${link.connections} ${link.connections === 1 ? 'connection' : 'connections'}`,
  ];
  if (link.latency !== null) parts.push(`${formatLatency(link.latency)} to the first byte`);
  if (link.breaker !== null) parts.push(`breaker ${link.breaker}`);
  if (link.toxics.length > 0) parts.push(`broken: ${link.toxics.join(', ')}`);
  return `${parts.join('. ')}.`;
}

/** How a node with active faults is marked. */
export const nodeBadge = (faults: number): string => (faults === 1 ? 'broken' : `broken ×${faults}`);

/** What fits beneath a node's state: what is failing, else how busy it is. */
export function nodeFigures(node: LiveNode): string {
  const failing = Object.keys(node.failing);
  if (failing.length > 0) {
    // A stand-in has nothing behind it that could fail: it says what it is itself.
    const saysItself = node.kind === 'stand-in' && node.state === 'not-ready';
    const text = saysItself ? Object.values(node.failing).join(', ') : `no ${failing.join(', ')}`;
    return text.length <= longestLine ? text : `${text.slice(0, longestLine - 1)}…`;
  }
  const parts: string[] = [];
  if (node.requests > 0) parts.push(`${formatCount(node.requests)}/s`);
  if (node.errors > 0) parts.push(`${formatCount(node.errors)} err`);
  if (node.p95 !== null) parts.push(`p95 ${formatLatency(node.p95)}`);
  if (node.outbox !== null && node.outbox > 0) parts.push(`outbox ${node.outbox}`);
  while (parts.join(separator).length > longestLine) parts.pop();
  return parts.join(separator);
}

/** Letters that fit into the box at the figures' size. */
const longestLine = 26;

const separator = ' · ';

/** A node for those who hear it: what is written in its box first, in that order, so that it can be called by what is seen. */
export function nodeSentence(node: LiveNode, faults: number): string {
  const parts = [`${node.name}: ${nodeLooks[node.state].word}`];
  const figures = nodeFigures(node);
  if (figures !== '') parts.push(figures);
  if (faults > 0) parts.push(nodeBadge(faults));
  const failing = Object.keys(node.failing);
  if (failing.length > 0) parts.push(`failing: ${failing.join(', ')}`);
  return `${parts.join('. ')}.`;
}

/** Bytes a second: `0 B/s`, `820 B/s`, `1.4 KB/s`, `2.1 MB/s`. */
export function formatRate(bytesPerSecond: number): string {
  if (bytesPerSecond < 1_000) return `${Math.round(bytesPerSecond)} B/s`;
  if (bytesPerSecond < 999_500) return `${threeDigits(bytesPerSecond / 1_000)} KB/s`;
  return `${threeDigits(bytesPerSecond / 1_000_000)} MB/s`;
}

/** Milliseconds, short: `0.4 ms`, `12 ms`, `1.2 s`. */
export function formatLatency(milliseconds: number): string {
  if (milliseconds < 9.95) return `${milliseconds.toFixed(1)} ms`;
  if (milliseconds < 999.5) return `${Math.round(milliseconds)} ms`;
  return `${threeDigits(milliseconds / 1_000)} s`;
}

/** A count that may be a mean: `0`, `0.4`, `12`, `1,240`. */
export function formatCount(value: number): string {
  if (value > 0 && value < 9.95 && !Number.isInteger(value)) return value.toFixed(1);
  return Math.round(value).toLocaleString('en');
}

function threeDigits(value: number): string {
  return value < 9.95 ? value.toFixed(1) : String(Math.round(value));
}
