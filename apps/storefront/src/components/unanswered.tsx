/** An order was sent and no answer came: the one thing to do is to ask again, and that is safe. */
import { Page } from './page.tsx';
import { Link } from './link.tsx';
import { sentenceOf } from '../api/errors.ts';
import { forgetOrder } from '../state/place-order.ts';

export function Unanswered({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  return (
    <Page title="Your order has not been answered yet" className="narrow">
      <div class="panel" role="alert">
        {error !== null && <p class="text-warning">{sentenceOf(error)}</p>}
        <p>
          Your order was sent, but the shop’s answer did not reach you. Ask again: it is the same order, and it will be
          placed only once.
        </p>
        <p class="actions">
          <button type="button" class="button button-large" onClick={onRetry} data-testid="retry-order">
            Ask again
          </button>
          <Link href="/orders">Look at your orders</Link>
        </p>
        <p class="small">
          If your orders show that it did not arrive, you can{' '}
          <button type="button" class="link-button" onClick={forgetOrder}>
            go back to the checkout and change it
          </button>
          .
        </p>
      </div>
    </Page>
  );
}
