/** `/metrics-view`: the dashboards, drawn from what Prometheus has measured. */
import { useEffect } from 'preact/hooks';
import { BoardSection } from '../../components/metrics/board-section.tsx';
import { MetricsStatus } from '../../components/metrics/metrics-status.tsx';
import { Skeleton } from '../../components/messages.tsx';
import { Page } from '../../components/page.tsx';
import { metricsAccess } from '../../metrics/access.ts';
import { isOld } from '../../metrics/freshness.ts';
import { followMetrics, freshnessState, panelList } from '../../state/metrics.ts';
import { session } from '../../state/session.ts';
import { MetricsOutside } from './metrics-outside.tsx';
import { Unavailable } from './unavailable.tsx';
import '../../styles/metrics.css';
import '../../styles/metrics-charts.css';

export function MetricsPage() {
  const access = metricsAccess(session.value);
  const { allowed } = access;
  useEffect(() => (allowed ? followMetrics() : undefined), [allowed]);

  return (
    <Page title="Metrics" className="metrics">
      <p class="metrics-lead">
        What Prometheus has measured in this mesh: the same panels as Grafana’s, from the same list and the same
        queries.
      </p>
      {access.allowed ? <Boards /> : <MetricsOutside access={access} />}
    </Page>
  );
}

function Boards() {
  const list = panelList.value;
  const state = freshnessState.value;
  const isUseless = state === 'absent' || state === 'refused';
  return (
    <>
      <MetricsStatus />
      <Unavailable />
      {list === null
        ? state === 'connecting' && <Skeleton className="skeleton-figure" />
        : !isUseless && (
            // Greyed, not hidden: what was known last is worth more than nothing, as long as its age is told.
            <div class="metrics-body" data-stale={isOld(state)} data-testid="metrics-body">
              {list.boards.map((board) => (
                <BoardSection
                  key={board.id}
                  board={board}
                  panels={list.panels.filter((panel) => panel.board === board.id)}
                />
              ))}
            </div>
          )}
    </>
  );
}
