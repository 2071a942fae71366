/** After an order that did not go through: put the same things back into the cart. */
import { useState } from 'preact/hooks';
import type { Order } from '@ballast/contracts';
import { getProduct } from '../api/calls.ts';
import { sentenceOf } from '../api/errors.ts';
import { addToCart } from '../state/cart.ts';
import { showNote } from '../state/announcements.ts';
import { navigate } from '../router.ts';

export function OrderAgain({ order }: { order: Order }) {
  const [busy, setBusy] = useState(false);
  const refill = async (): Promise<void> => {
    setBusy(true);
    try {
      const products = await Promise.all(order.lines.map((line) => getProduct(line.productId)));
      const messages = products
        .map((product, index) => addToCart(product, order.lines[index]?.quantity ?? 1))
        .filter((message) => message !== null);
      navigate('/cart');
      showNote(messages[0] ?? 'Everything is back in your cart.', { tone: messages.length === 0 ? 'good' : 'problem' });
    } catch (error) {
      showNote(sentenceOf(error), { tone: 'problem' });
      setBusy(false);
    }
  };
  return (
    <button
      type="button"
      class="button button-wide"
      disabled={busy}
      onClick={() => void refill()}
      data-testid="order-again"
    >
      Fill the cart again
    </button>
  );
}
