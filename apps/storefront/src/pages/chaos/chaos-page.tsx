/** `/chaos`: the live mesh, what can be broken in it, and what holds meanwhile. */
import { useEffect } from 'preact/hooks';
import { ActiveFaults } from '../../components/chaos/active-faults.tsx';
import { Experiments } from '../../components/chaos/experiments.tsx';
import { FaultPanel } from '../../components/chaos/fault-panel.tsx';
import { Figures } from '../../components/chaos/figures.tsx';
import { InvariantBoard } from '../../components/chaos/invariant-board.tsx';
import { LoadControls } from '../../components/chaos/load-controls.tsx';
import { PhaseBand } from '../../components/chaos/phase-band.tsx';
import { Receipts } from '../../components/chaos/receipts.tsx';
import { SagaFlow } from '../../components/chaos/saga-flow.tsx';
import { StatusBar } from '../../components/chaos/status-bar.tsx';
import { TopologySection } from '../../components/chaos/topology-section.tsx';
import { WireFeed } from '../../components/chaos/wire-feed.tsx';
import { Page } from '../../components/page.tsx';
import { Skeleton } from '../../components/messages.tsx';
import { labAccess } from '../../lab/access.ts';
import { connection, followMesh, isKnown, isStale } from '../../state/chaos-live.ts';
import { session } from '../../state/session.ts';
import { Outside } from './outside.tsx';
import '../../styles/lab-demonstrations.css';
import '../../styles/lab-results.css';
import '../../styles/lab-rows.css';
import '../../styles/chaos.css';
import '../../styles/chaos-topology.css';
import '../../styles/chaos-desk.css';
import '../../styles/chaos-board.css';

export function ChaosPage() {
  const access = labAccess(session.value);
  const { allowed } = access;
  useEffect(() => (allowed ? followMesh() : undefined), [allowed]);

  return (
    <Page title="Chaos" heading="Break it, and watch it stay upright" className="chaos">
      {access.allowed ? <Live /> : <Outside access={access} />}
    </Page>
  );
}

function Live() {
  const stale = isStale.value;
  return (
    <>
      <StatusBar />
      {isKnown.value ? (
        // Greyed, not hidden: what was known last is worth more than nothing, as long as its age is told.
        <div class="chaos-body" data-stale={stale} data-testid="chaos-body">
          <PhaseBand />
          <Figures />
          <div class="chaos-columns">
            <div class="chaos-main">
              <TopologySection />
              <InvariantBoard />
            </div>
            <div class="chaos-desk">
              <ActiveFaults />
              <LoadControls />
              <Experiments />
            </div>
          </div>
          <SagaFlow />
          <Receipts />
          <WireFeed />
          <FaultPanel />
        </div>
      ) : (
        connection.value.state !== 'refused' && <Skeleton className="skeleton-figure" />
      )}
    </>
  );
}
