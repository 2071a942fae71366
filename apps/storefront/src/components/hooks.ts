/** What pages have in common: loading something, and knowing how wide the screen is. */
import { useEffect, useState } from 'preact/hooks';
import { isAbort } from '../api/client.ts';
import { recoveries } from '../state/reachability.ts';

export type Resource<Data> =
  | { status: 'loading'; data: null; error: null }
  | { status: 'ready'; data: Data; error: null }
  | { status: 'failed'; data: null; error: unknown };

/**
 * Loads something whenever `key` changes, drops the answer when the page goes away, and tries again by itself when the
 * shop can be reached again after a failure.
 */
export function useResource<Data>(
  key: string,
  load: (signal: AbortSignal) => Promise<Data>,
): Resource<Data> & { reload: () => void } {
  const [round, setRound] = useState(0);
  const [resource, setResource] = useState<Resource<Data>>({ status: 'loading', data: null, error: null });
  const failed = resource.status === 'failed';
  const recovery = failed ? recoveries.value : 0;
  const [seenRecovery, setSeenRecovery] = useState(0);

  useEffect(() => {
    const abort = new AbortController();
    setResource({ status: 'loading', data: null, error: null });
    load(abort.signal).then(
      (data) => setResource({ status: 'ready', data, error: null }),
      (error: unknown) => {
        if (isAbort(error)) return;
        setSeenRecovery(recoveries.peek());
        setResource({ status: 'failed', data: null, error });
      },
    );
    return () => abort.abort();
    // The loader is made anew with every drawing; what it loads is told by the key.
  }, [key, round]);

  useEffect(() => {
    if (failed && recovery > seenRecovery) setRound((number) => number + 1);
  }, [failed, recovery, seenRecovery]);

  return { ...resource, reload: () => setRound((number) => number + 1) };
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
