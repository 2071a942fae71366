/** Starts the pages. */
import { effect } from '@preact/signals';
import { render } from 'preact';
import { App } from './app.tsx';
import { startRouter } from './router.ts';
import { startCart } from './state/cart.ts';
import { noteReachable, recoveries, watchNetwork } from './state/reachability.ts';
import { loadSession, session, watchOtherTabs } from './state/session.ts';
import { ApiError } from './api/errors.ts';
import './styles/index.css';

/** Asks who is signed in. Without an answer the pages stay usable; the notice at the foot offers to try again. */
async function askWhoIsHere(): Promise<void> {
  try {
    await loadSession();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.details.kind === 'problem') noteReachable(false);
    session.value = { ...session.value, status: session.value.user === null ? 'unknown' : 'known' };
  }
}

// The shop was reached again: whoever could not be asked before is asked now.
effect(() => {
  if (recoveries.value > 0 && session.peek().status === 'unknown') void askWhoIsHere();
});

startRouter();
startCart();
watchNetwork(askWhoIsHere);
watchOtherTabs(() => void askWhoIsHere());
void askWhoIsHere();

const root = document.getElementById('app');
if (root === null) throw new Error('The page has no element with the id "app"');
render(<App onRetry={() => void askWhoIsHere()} />, root);
