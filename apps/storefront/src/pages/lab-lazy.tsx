/** `/lab` and all that belongs to it, loaded when it is visited: the shop carries none of it. */
import type { ComponentType } from 'preact';
import { Page } from '../components/page.tsx';
import { Skeleton } from '../components/messages.tsx';
import { useResource } from '../components/hooks.ts';

let loaded: ComponentType | null = null;

async function load(): Promise<{ LabPage: ComponentType }> {
  const { LabPage } = await import('./lab/lab-page.tsx');
  loaded = LabPage;
  return { LabPage };
}

export function LazyLabPage() {
  const page = useResource('lab-page', load);
  // Once loaded, going back to it shows it at once.
  const LabPage = page.data?.LabPage ?? loaded;
  if (LabPage !== null) return <LabPage />;
  return (
    <Page title="Lab">
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
