/** What can be broken, as the controller tells it, and what somebody has chosen of it. */
import { signal } from '@preact/signals';
import type { FaultTargets } from '@ballast/contracts';
import { getTargets } from '../api/chaos.ts';
import { isAbort } from '../api/client.ts';
import type { Target } from '../chaos/fault-options.ts';

/** Null until they were told once. */
export const targets = signal<FaultTargets | null>(null);

/** Why they could not be had; null where they could. */
export const targetsError = signal<unknown>(null);

/** What the panel is open for; null while it is closed. */
export const chosen = signal<Target | null>(null);

let loading: AbortController | null = null;

/** Asks what can be broken: processes tell more of their points the longer they work. */
async function loadTargets(): Promise<void> {
  loading?.abort();
  const abort = new AbortController();
  loading = abort;
  try {
    targets.value = await getTargets(abort.signal);
    targetsError.value = null;
  } catch (error) {
    if (!isAbort(error)) targetsError.value = error;
  }
}

/** Opens the panel for something. The page gives the focus back to what had it when the panel closes. */
export function choose(target: Target): void {
  chosen.value = target;
  void loadTargets();
}
