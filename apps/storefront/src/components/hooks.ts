/** What pages have in common: loading something, and knowing how wide the screen is. */
import { useEffect, useState } from 'preact/hooks';
import { isAbort } from '../api/client.ts';
import { ApiError } from '../api/errors.ts';
import { expectRecovery, noteLoaded, recoveries } from '../state/reachability.ts';

export type Resource<Data> =
  | { status: 'loading'; data: null; error: null }
  | { status: 'ready'; data: Data; error: null }
  | { status: 'failed'; data: null; error: unknown };

/**
 * Loads something whenever `key` changes, drops the answer when the page goes away, and tries again by itself after a
 * failure that passes; until that works the failure stays in sight.
 */
export function useResource<Data>(
  key: string,
  load: (signal: AbortSignal) => Promise<Data>,
): Resource<Data> & { reload: () => void } {
  const [round, setRound] = useState({ number: 0, quiet: false });
  const [resource, setResource] = useState<Resource<Data>>({ status: 'loading', data: null, error: null });
  const failed = resource.status === 'failed';
  const recovery = failed ? recoveries.value : 0;
  const [seenRecovery, setSeenRecovery] = useState(0);

  useEffect(() => {
    const abort = new AbortController();
    if (!round.quiet) setResource({ status: 'loading', data: null, error: null });
    load(abort.signal).then(
      (data) => {
        noteLoaded();
        setResource({ status: 'ready', data, error: null });
      },
      (error: unknown) => {
        if (isAbort(error)) return;
        setSeenRecovery(recoveries.peek());
        setResource({ status: 'failed', data: null, error });
        if (error instanceof ApiError && error.willPass) expectRecovery();
      },
    );
    return () => abort.abort();
    // The loader is made anew with every drawing; what it loads is told by the key.
  }, [key, round]);

  useEffect(() => {
    if (failed && recovery > seenRecovery) setRound(({ number }) => ({ number: number + 1, quiet: true }));
  }, [failed, recovery, seenRecovery]);

  return { ...resource, reload: () => setRound(({ number }) => ({ number: number + 1, quiet: false })) };
}

/** Whether a media query holds, and when that changes. */
export function useMedia(query: string): boolean {
  const [holds, setHolds] = useState(() => window.matchMedia(query).matches);
  useEffect(() => {
    const list = window.matchMedia(query);
    const follow = (): void => setHolds(list.matches);
    follow();
    list.addEventListener('change', follow);
    return () => list.removeEventListener('change', follow);
  }, [query]);
  return holds;
}
