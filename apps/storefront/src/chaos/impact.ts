/** What the faults do to callers, in a sentence or two. Pure. */
import type { Fault, LivePhase, LiveTopology } from '@ballast/contracts';
import { phaseLooks, impactOf } from './words.ts';

export type Impact = { tone: 'good' | 'warn' | 'bad' | 'quiet'; text: string };

/** Faults named one by one; further ones are only counted. */
const namedFaults = 3;

/** The banner's text. */
export function impactOfAll(faults: readonly Fault[], phase: LivePhase | null, topology: LiveTopology): Impact {
  const active = faults.filter(({ state }) => state === 'active');
  if (active.length > 0) {
    const named = active.slice(0, namedFaults).map(({ request }) => impactOf(request));
    if (active.length > namedFaults) named.push(`and ${active.length - namedFaults} more`);
    const oldest = active.reduce((first, fault) => (fault.injectedAt < first.injectedAt ? fault : first));
    const tone = phase?.phase === 'DEGRADED' ? 'bad' : 'quiet';
    return { tone, text: asSentence(`${named.join('; ')}; ${requestsOf(oldest)}`, topology) };
  }
  const waited = [...new Set(faults.filter(({ state }) => state === 'recovering').flatMap(({ nodes }) => nodes))];
  if (waited.length > 0)
    return { tone: 'warn', text: asSentence(`healed; waiting for ${waited.join(', ')}`, topology) };
  const down = topology.nodes.filter(({ state }) => state === 'unreachable' || state === 'not-ready');
  if (down.length > 0) {
    const names = down.map(({ name }) => name).join(', ');
    return { tone: 'warn', text: asSentence(`no fault is active; not ready: ${names}`, topology) };
  }
  if (phase?.phase === 'RECOVERING') return { tone: 'warn', text: asSentence(phase.reason, topology) };
  const ready = topology.nodes.filter(({ state }) => state === 'ready').length;
  if (phase === null) return { tone: 'quiet', text: 'Nothing is known yet.' };
  return { tone: 'good', text: `${phaseLooks.STEADY.sentence} ${ready} of ${topology.nodes.length} are ready.` };
}

function requestsOf({ receipt }: Fault): string {
  if (receipt.requests === 0) return 'no requests since';
  const failed = receipt.failed === 0 ? 'none' : receipt.failed.toLocaleString('en');
  return `${failed} of ${receipt.requests.toLocaleString('en')} requests failed`;
}

/** With a capital letter and a full stop; names of what runs stay as they are. */
function asSentence(text: string, { nodes }: LiveTopology): string {
  const isName = nodes.some(({ name }) => text.startsWith(`${name} `));
  const sentence = isName ? text : text.charAt(0).toUpperCase() + text.slice(1);
  return sentence.endsWith('.') ? sentence : `${sentence}.`;
}
