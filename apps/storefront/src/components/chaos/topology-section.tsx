/** The mesh as it runs: drawn where there is room, listed on a phone or on request. */
import { useState } from 'preact/hooks';
import { useMedia } from '../hooks.ts';
import { Topology } from './topology.tsx';
import { TopologyList } from './topology-list.tsx';

export function TopologySection() {
  const roomy = useMedia('(min-width: 43.01rem)');
  const [listed, setListed] = useState(false);
  return (
    <section class="chaos-card topology" aria-labelledby="topology">
      <div class="chaos-card-head">
        <h2 id="topology">The mesh</h2>
        {roomy && (
          <button
            type="button"
            class="button button-quiet button-small"
            aria-pressed={listed}
            onClick={() => setListed(!listed)}
            data-testid="as-list"
          >
            As a list
          </button>
        )}
      </div>
      <p class="small">
        {roomy && !listed
          ? 'Choose a service, a part or a line to break it. With a keyboard: Tab to the lines or the boxes, arrow keys between them, Enter.'
          : 'Choose a service, a part or a link to break it.'}
      </p>
      {roomy && !listed ? <Topology /> : <TopologyList />}
    </section>
  );
}
