/** The cart: what is in it, how many of each, and what it comes to. */
import { useState } from 'preact/hooks';
import { Page } from '../components/page.tsx';
import { Empty, Failure } from '../components/messages.tsx';
import { Icon } from '../components/icons.tsx';
import { Link } from '../components/link.tsx';
import { ProductPicture } from '../components/product-picture.tsx';
import { Quantity } from '../components/quantity.tsx';
import { useResource } from '../components/hooks.ts';
import { cart, pieces, refreshCart, removeFromCart, setCartQuantity } from '../state/cart.ts';
import { lineProblem, quantityLimit } from '../state/cart-rules.ts';
import type { CartLine } from '../state/cart-rules.ts';
import { speak } from '../state/announcements.ts';
import { formatMoney, formatTotals, multiply } from '../format/money.ts';
import { plural } from '../format/time.ts';

export function CartPage() {
  const { error, reload } = useResource('cart', refreshCart);
  const { lines } = cart.value;
  if (lines.length === 0) {
    return (
      <Page title="Your cart">
        <Empty title="Your cart is empty.">
          <Link href="/" class="button">
            Look at all products
          </Link>
        </Empty>
      </Page>
    );
  }
  const blocked = lines.some((line) => lineProblem(line) !== null);
  return (
    <Page title="Your cart">
      {error !== null && <Failure error={error} onRetry={reload} />}
      <div class="columns">
        <ul class="lines" aria-label="Products in your cart">
          {lines.map((line) => (
            <CartRow key={line.productId} line={line} />
          ))}
        </ul>
        <section class="panel summary" aria-labelledby="summary">
          <h2 id="summary">Summary</h2>
          <dl class="sums">
            <div class="sum-total">
              <dt>Total for {plural(pieces.value, 'item')}</dt>
              <dd data-testid="cart-total">{formatTotals(lines.map((line) => multiply(line.price, line.quantity)))}</dd>
            </div>
          </dl>
          {blocked ? (
            <>
              <p class="text-warning">There is more in your cart than in stock. Please change it first.</p>
              <button type="button" class="button button-large button-wide" disabled>
                Go to checkout
              </button>
            </>
          ) : (
            <Link href="/checkout" class="button button-large button-wide" data-testid="go-to-checkout">
              Go to checkout
            </Link>
          )}
          <Link href="/" class="quiet-link">
            Go on shopping
          </Link>
        </section>
      </div>
    </Page>
  );
}

function CartRow({ line }: { line: CartLine }) {
  const [message, setMessage] = useState<string | null>(null);
  const messageId = `message-${line.productId}`;
  const problem = lineProblem(line) ?? message;
  const change = (quantity: number): void => setMessage(setCartQuantity(line.productId, quantity));
  const remove = (): void => {
    removeFromCart(line.productId);
    speak(`${line.name} was removed from your cart.`);
    // The button that had the focus is gone: the heading keeps a keyboard's place in the page.
    document.querySelector<HTMLElement>('h1')?.focus();
  };
  return (
    <li class="line" data-testid="cart-line">
      <ProductPicture image={line.image} alternative="" size="thumb" eager />
      <div class="line-what">
        <Link href={`/products/${line.productId}`} class="line-name">
          {line.name}
        </Link>
        <span class="line-each">{formatMoney(line.price)} each</span>
      </div>
      <Quantity
        id={`quantity-${line.productId}`}
        name={line.name}
        value={line.quantity}
        limit={quantityLimit(line.onHand)}
        onChange={change}
        describedBy={messageId}
      />
      <span class="line-price">{formatMoney(multiply(line.price, line.quantity))}</span>
      <button type="button" class="icon-button" aria-label={`Remove ${line.name} from cart`} onClick={remove}>
        <Icon name="trash" />
      </button>
      <div class="line-message" role="status" id={messageId}>
        {problem !== null && <p class="text-warning">{problem}</p>}
        {problem !== null && quantityLimit(line.onHand) > 0 && line.quantity > quantityLimit(line.onHand) && (
          <button type="button" class="link-button" onClick={() => change(quantityLimit(line.onHand))}>
            Take {quantityLimit(line.onHand)}
          </button>
        )}
      </div>
    </li>
  );
}
