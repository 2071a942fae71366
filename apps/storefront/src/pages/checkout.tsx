/** Checkout: how to pay, what it comes to, and the order itself, placed once however often it is asked for. */
import { useEffect, useState } from 'preact/hooks';
import type { PaymentMethod } from '@ballast/contracts';
import { Page } from '../components/page.tsx';
import { Empty, Failure, Skeleton } from '../components/messages.tsx';
import { Link } from '../components/link.tsx';
import { PaymentChoiceFields } from '../components/payment-choice.tsx';
import { OrderSummary } from '../components/order-summary.tsx';
import { Unanswered } from '../components/unanswered.tsx';
import { useResource } from '../components/hooks.ts';
import { navigate } from '../router.ts';
import { signInAddress } from '../paths.ts';
import { getPaymentMethods } from '../api/calls.ts';
import { cart, refreshCart } from '../state/cart.ts';
import { lineProblem } from '../state/cart-rules.ts';
import { placing, resumeOrder, retryOrder, submitOrder } from '../state/place-order.ts';
import { session } from '../state/session.ts';

export function CheckoutPage() {
  const { status, user } = session.value;
  useEffect(() => {
    if (status === 'known' && user === null) navigate(signInAddress('/checkout'), { replace: true });
  }, [status, user]);
  if (user === null) {
    return (
      <Page title="Checkout">
        <Skeleton className="skeleton-block" />
      </Page>
    );
  }
  return <Checkout userId={user.userId} />;
}

function goToOrder(orderId: string | null): void {
  // The checkout is over: going back must not lead into it again.
  if (orderId !== null) navigate(`/orders/${orderId}`, { replace: true });
}

function Checkout({ userId }: { userId: string }) {
  const methods = useResource('payment-methods', getPaymentMethods);
  const fresh = useResource('cart', refreshCart);
  const [chosen, setChosen] = useState<PaymentMethod | null>(null);
  const { lines } = cart.value;
  const { status, error } = placing.value;

  useEffect(() => {
    void resumeOrder(userId).then(goToOrder);
  }, [userId]);

  if (status === 'unknown') return <Unanswered error={error} onRetry={() => void retryOrder().then(goToOrder)} />;
  if (lines.length === 0 && status !== 'sending') {
    return (
      <Page title="Checkout">
        <Empty title="There is nothing in your cart to order.">
          <Link href="/" class="button">
            Look at all products
          </Link>
        </Empty>
      </Page>
    );
  }

  const payment = chosen ?? methods.data?.[0] ?? null;
  const problem = lines.map(lineProblem).find((found) => found !== null) ?? null;
  const order = (): void => {
    if (payment === null) return;
    const body = {
      lines: lines.map(({ productId, quantity }) => ({ productId, quantity })),
      payment: { provider: payment.provider, method: payment.method },
    };
    void submitOrder(body, userId).then(goToOrder);
  };

  return (
    <Page title="Checkout">
      <form
        class="columns"
        onSubmit={(event) => {
          event.preventDefault();
          order();
        }}
      >
        <section class="panel" aria-labelledby="payment">
          <h2 id="payment">How would you like to pay?</h2>
          {methods.error !== null && <Failure error={methods.error} onRetry={methods.reload} />}
          {methods.status === 'loading' && <Skeleton className="skeleton-block" />}
          {methods.data?.length === 0 && <p class="text-warning">No payment provider is connected right now.</p>}
          {methods.data !== null && methods.data.length > 0 && (
            <PaymentChoiceFields methods={methods.data} chosen={payment} onChoose={setChosen} />
          )}
        </section>
        <section class="panel summary" aria-labelledby="summary">
          <h2 id="summary">Your order</h2>
          <OrderSummary lines={lines.map(({ price, ...line }) => ({ ...line, unitPrice: price }))} />
          {fresh.error !== null && <Failure error={fresh.error} onRetry={fresh.reload} />}
          {status === 'refused' && <Failure error={error} />}
          {problem !== null && (
            <p class="text-warning">
              {problem} <Link href="/cart">Change your cart</Link>
            </p>
          )}
          <button
            type="submit"
            class="button button-large button-wide"
            disabled={status === 'sending' || payment === null || problem !== null}
            data-testid="place-order"
          >
            {status === 'sending' ? 'Placing your order…' : 'Place order'}
          </button>
          <p class="small">The shop checks prices and stock once more when the order arrives.</p>
        </section>
      </form>
    </Page>
  );
}
