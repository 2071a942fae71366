/** The pages that are loaded when they are visited, with all that belongs to them: the shop carries none of it. */
import type { ComponentType } from 'preact';
import { Page } from '../components/page.tsx';
import { Skeleton } from '../components/messages.tsx';
import { useResource } from '../components/hooks.ts';

export const LazyLabPage = lazyPage('Lab', async () => (await import('./lab/lab-page.tsx')).LabPage);
export const LazyChaosPage = lazyPage('Chaos', async () => (await import('./chaos/chaos-page.tsx')).ChaosPage);
export const LazyMetricsPage = lazyPage(
  'Metrics',
  async () => (await import('./metrics/metrics-page.tsx')).MetricsPage,
);

function lazyPage(title: string, load: () => Promise<ComponentType>): ComponentType {
  let loaded: ComponentType | null = null;

  // In an object: a component is a function, and state would call it.
  const loadPage = async (): Promise<{ Loaded: ComponentType }> => {
    loaded = await load();
    return { Loaded: loaded };
  };

  return function LazyPage() {
    const page = useResource(title, loadPage);
    // Once loaded, going back to it shows it at once.
    const Loaded = page.data?.Loaded ?? loaded;
    if (Loaded !== null) return <Loaded />;
    return (
      <Page title={title}>
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
  };
}
