/** The mesh as a list: for phones, and for those who would rather read than look. */
import { linkKey } from '../../chaos/layout.ts';
import { toxicLabel } from '../../chaos/link-options.ts';
import { formatCount, formatLatency, formatRate, nodeLooks } from '../../chaos/words.ts';
import { formatDuration } from '../../format/time.ts';
import { faults, topology } from '../../state/chaos-live.ts';
import { choose } from '../../state/chaos-targets.ts';

export function TopologyList() {
  const { nodes, links } = topology.value;
  const active = faults.value.filter(({ state }) => state === 'active');
  return (
    <ul class="mesh-list" data-testid="mesh-list">
      {nodes.map((node) => {
        const look = nodeLooks[node.state];
        const failing = Object.entries(node.failing);
        const broken = active.filter((fault) => fault.nodes.includes(node.name)).length;
        const own = links.filter(({ from }) => from === node.name);
        return (
          <li
            key={node.name}
            class={`mesh-entry tone-${look.tone}`}
            data-mesh-entry={node.name}
            data-state={node.state}
          >
            <button type="button" class="mesh-entry-name" onClick={() => choose({ kind: 'node', name: node.name })}>
              <strong>{node.name}</strong>
              <span class="mesh-entry-state">
                <span aria-hidden="true">{look.sign}</span> {look.word}
                {broken > 0 && `, ${broken} broken`}
              </span>
              <span class="small">
                {failing.length > 0
                  ? failing.map(([name, reason]) => `${name}: ${reason}`).join('; ')
                  : [
                      node.kind === 'service' && `${formatCount(node.requests)}/s`,
                      node.errors > 0 && `${formatCount(node.errors)} errors/s`,
                      node.p95 !== null && `p95 ${formatLatency(node.p95)}`,
                      node.outbox !== null && node.outbox > 0 && `outbox ${node.outbox}`,
                      node.uptime !== null && `up ${formatDuration(node.uptime * 1000)}`,
                    ]
                      .filter((part) => typeof part === 'string')
                      .join(' · ')}
              </span>
            </button>
            {own.length > 0 && (
              <details class="mesh-entry-links">
                <summary>
                  {own.length} {own.length === 1 ? 'link' : 'links'}
                  {own.some(({ toxics }) => toxics.length > 0) && <strong class="text-bad"> (broken)</strong>}
                </summary>
                <ul>
                  {own.map((link) => (
                    <li key={link.to}>
                      <button
                        type="button"
                        class="mesh-entry-link"
                        data-mesh-link={linkKey(link.from, link.to)}
                        onClick={() => choose({ kind: 'link', from: link.from, to: link.to })}
                      >
                        <span>→ {link.to}</span>
                        <span class="small">
                          {formatRate(link.bytesPerSecond)}
                          {link.latency !== null && ` · ${formatLatency(link.latency)}`}
                          {link.breaker !== null && ` · breaker ${link.breaker}`}
                        </span>
                        {link.toxics.length > 0 && (
                          <strong class="text-bad">✕ {link.toxics.map(toxicLabel).join(', ')}</strong>
                        )}
                      </button>
                    </li>
                  ))}
                </ul>
              </details>
            )}
          </li>
        );
      })}
    </ul>
  );
}
