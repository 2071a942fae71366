/** How the thing the panel is open for is doing now; its links lead on to their own panels. */
import type { LiveLink, LiveNode } from '@ballast/contracts';
import type { Target } from '../../chaos/fault-options.ts';
import { toxicLabel } from '../../chaos/link-options.ts';
import { formatCount, formatLatency, formatRate, nodeLooks } from '../../chaos/words.ts';
import { formatDuration } from '../../format/time.ts';
import { topology } from '../../state/chaos-live.ts';
import { choose } from '../../state/chaos-targets.ts';

export function TargetFacts({ target }: { target: Target }) {
  const { nodes, links } = topology.value;
  if (target.kind === 'controls') return null;
  if (target.kind === 'link') {
    const link = links.find(({ from, to }) => from === target.from && to === target.to);
    return link === undefined ? null : <Facts facts={linkFacts(link)} />;
  }
  const node = nodes.find(({ name }) => name === target.name);
  const own = links.filter(({ from, to }) => from === target.name || to === target.name);
  return (
    <>
      {node !== undefined && <Facts facts={nodeFacts(node)} />}
      {own.length > 0 && (
        <details class="fault-links">
          <summary>Break one of its {own.length} links instead</summary>
          <ul>
            {own.map(({ from, to }) => (
              <li key={`${from}>${to}`}>
                <button type="button" class="link-button" onClick={() => choose({ kind: 'link', from, to })}>
                  {from} → {to}
                </button>
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

type Fact = [name: string, value: string];

function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl class="fault-facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function nodeFacts(node: LiveNode): Fact[] {
  const facts: Fact[] = [['State', nodeLooks[node.state].word]];
  for (const [name, reason] of Object.entries(node.failing)) facts.push([`Failing: ${name}`, reason]);
  if (node.kind === 'service') {
    facts.push(['Requests a second', formatCount(node.requests)], ['Errors a second', formatCount(node.errors)]);
  }
  if (node.p50 !== null) facts.push(['p50', formatLatency(node.p50)]);
  if (node.p95 !== null) facts.push(['p95', formatLatency(node.p95)]);
  if (node.outbox !== null) facts.push(['Rows in its outbox', formatCount(node.outbox)]);
  if (node.memoryMegabytes !== null) facts.push(['Memory', `${Math.round(node.memoryMegabytes)} MB`]);
  if (node.uptime !== null) facts.push(['Up for', formatDuration(node.uptime * 1000)]);
  return facts;
}

function linkFacts(link: LiveLink): Fact[] {
  const facts: Fact[] = [
    ['Carries', formatRate(link.bytesPerSecond)],
    ['Connections', String(link.connections)],
  ];
  if (link.latency !== null) facts.push(['To the first byte', formatLatency(link.latency)]);
  if (link.breaker !== null) facts.push(['Breaker', link.breaker]);
  if (link.toxics.length > 0) facts.push(['Broken', link.toxics.map(toxicLabel).join(', ')]);
  return facts;
}
