/** `/chaos` and all that belongs to it, loaded when it is visited: the shop carries none of it. */
import type { ComponentType } from 'preact';
import { Page } from '../components/page.tsx';
import { Skeleton } from '../components/messages.tsx';
import { useResource } from '../components/hooks.ts';

let loaded: ComponentType | null = null;

async function load(): Promise<{ ChaosPage: ComponentType }> {
  const { ChaosPage } = await import('./chaos/chaos-page.tsx');
  loaded = ChaosPage;
  return { ChaosPage };
}

export function LazyChaosPage() {
  const page = useResource('chaos-page', load);
  // Once loaded, going back to it shows it at once.
  const ChaosPage = page.data?.ChaosPage ?? loaded;
  if (ChaosPage !== null) return <ChaosPage />;
  return (
    <Page title="Chaos">
      {page.status === 'failed' ? (
        <div class="message message-problem" role="alert">
          <p>This part of the page could not be loaded.</p>
          <button type="button" class="button button-quiet" onClick={() => window.location.reload()}>
            Load the page again
          </button>
        </div>
      ) : (
        <Skeleton className="skeleton-block" />
      )}
    </Page>
  );
}
