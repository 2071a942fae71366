/** What floats at the foot of every page: the network, a wait, a passing note. It moves nothing else. */
import { Icon } from './icons.tsx';
import { Link } from './link.tsx';
import { hideNote, note, spoken } from '../state/announcements.ts';
import { reachability, waiting } from '../state/reachability.ts';
import { storageWarning } from '../state/cart.ts';
import { plural } from '../format/time.ts';

export function Notices({ onRetry }: { onRetry: () => void }) {
  const network = reachability.value;
  const seconds = waiting.value;
  const current = note.value;
  return (
    <>
      <div class="notices">
        <div role="status" data-testid="network-status">
          {network !== 'reachable' && (
            <div class="notice notice-problem">
              <Icon name="alert" />
              <p>{network === 'offline' ? 'You are offline.' : 'The shop cannot be reached right now.'}</p>
              <button type="button" class="button button-small" onClick={onRetry}>
                Try again
              </button>
            </div>
          )}
          {seconds !== null && (
            <div class="notice">
              <p>The shop is busy. Trying again in {plural(seconds, 'second')}…</p>
            </div>
          )}
          {storageWarning.value !== null && (
            <div class="notice">
              <p>{storageWarning.value}</p>
            </div>
          )}
        </div>
        <div role="status" data-testid="note">
          {current !== null && (
            <div class={`notice notice-${current.tone}`} key={current.id}>
              <Icon name={current.tone === 'good' ? 'check' : 'alert'} />
              <p>{current.text}</p>
              {current.link !== undefined && <Link href={current.link.address}>{current.link.label}</Link>}
              <button type="button" class="icon-button" onClick={hideNote} aria-label="Close this note">
                <Icon name="close" />
              </button>
            </div>
          )}
        </div>
      </div>
      <p class="visually-hidden" aria-live="polite" data-testid="spoken">
        {spoken.value}
      </p>
    </>
  );
}
