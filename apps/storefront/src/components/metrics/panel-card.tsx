/** The frame of every panel: its title, what is known of it, and what is not. */
import type { PanelData, PanelList } from '@ballast/contracts';
import { formatClock, plural } from '../../format/time.ts';
import { isBehind } from '../../metrics/freshness.ts';
import type { PanelRecord } from '../../metrics/freshness.ts';
import { clock, freshnessState, panelRecord } from '../../state/metrics.ts';
import { Skeleton } from '../messages.tsx';
import { SharesPanel } from './shares-panel.tsx';
import { StatPanel } from './stat-panel.tsx';
import { TimePanel } from './time-panel.tsx';

const bodies = { stat: StatPanel, timeseries: TimePanel, pie: SharesPanel } as const;

/** Beside another panel there is room for the names of so many lines. */
const mostInHalf = 8;

export function PanelCard({ panel }: { panel: PanelList['panels'][number] }) {
  const record = panelRecord(panel.id).value;
  const heading = `panel-${panel.id}`;
  return (
    <article
      class={`panel-card panel-${panel.kind}`}
      aria-labelledby={heading}
      data-testid={heading}
      data-panel-state={stateOf(record)}
      data-wide={record.data !== null && record.data.series.length > mostInHalf && panel.kind === 'timeseries'}
    >
      <h3 id={heading}>{panel.title}</h3>
      <Body record={record} />
      <Behind record={record} />
    </article>
  );
}

/** For tests, and for whoever looks at the page with their tools. */
function stateOf({ data, failure }: PanelRecord): 'asking' | 'failed' | 'empty' | 'shown' {
  if (data === null) return failure === null ? 'asking' : 'failed';
  return isEmpty(data) ? 'empty' : 'shown';
}

function isEmpty({ series }: PanelData): boolean {
  return series.length === 0;
}

function Body({ record: { data, failure } }: { record: PanelRecord }) {
  if (data === null) {
    if (failure === null) return <Skeleton className="panel-waiting" />;
    return <p class="panel-note">Nothing to show yet. {failure.sentence}</p>;
  }
  if (isEmpty(data)) return <p class="panel-note">No series yet: Prometheus has seen nothing of this so far.</p>;
  const Kind = bodies[data.panel.kind];
  return (
    <>
      <Kind data={data} />
      {data.omitted > 0 && (
        <p class="panel-note" data-testid="omitted">
          {plural(data.omitted, 'more series', 'more series')} not shown.
        </p>
      )}
    </>
  );
}

/** Said only where the page as a whole is live: else it says so itself, for all of them. */
function Behind({ record }: { record: PanelRecord }) {
  if (freshnessState.value !== 'live' || record.answeredAt === null || !isBehind(record, clock.value)) return null;
  return (
    <p class="panel-note panel-behind" data-testid="behind">
      As of {formatClock(new Date(record.answeredAt).toISOString())}. {record.failure?.sentence}
    </p>
  );
}
