/** What must not outlive this process: a signal closes it, whatever else is going on, and then ends the process. */

/** Something that was opened; `close` may be called again and again. */
export type Guarded<Thing> = { thing: Thing; close: () => Promise<void> };

const interrupted = new AbortController();
/** How to close what is open or being opened, oldest first. */
const open = new Set<() => Promise<void>>();
let listening = false;

/**
 * Opens something and closes it on SIGINT, SIGTERM and SIGHUP. `signal` asks for an opening to be given up. Once a signal
 * has come `close` never comes back: the process is about to end.
 */
export async function guarded<Thing>(
  opening: (signal: AbortSignal) => Promise<Thing>,
  closing: (thing: Thing) => Promise<void>,
): Promise<Guarded<Thing>> {
  listen();
  const started = opening(interrupted.signal);
  let closed: Promise<void> | undefined;
  const closeOnce = (): Promise<void> =>
    (closed ??= started
      .then(closing, () => {
        // Whoever opened it is told that it could not be; there is nothing to close.
      })
      .finally(() => open.delete(closeOnce)));
  open.add(closeOnce);
  const close = async (): Promise<void> => {
    await closeOnce();
    if (interrupted.signal.aborted) await new Promise<never>(() => {});
  };
  try {
    return { thing: await started, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function listen(): void {
  if (listening) return;
  listening = true;
  const end = async (): Promise<void> => {
    // One Ctrl-C may be heard twice, the second time by way of npm.
    if (interrupted.signal.aborted) return;
    console.log('Stopping…');
    interrupted.abort();
    for (const close of [...open].toReversed()) {
      await close().catch((error: unknown) => console.error(error));
    }
    process.exit(130);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end());
}
