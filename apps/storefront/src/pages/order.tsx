/** One order, moving live through its saga. */
import { useEffect, useReducer, useState } from 'preact/hooks';
import { Page } from '../components/page.tsx';
import { Failure, Skeleton } from '../components/messages.tsx';
import { ConnectionState } from '../components/connection-state.tsx';
import { Icon } from '../components/icons.tsx';
import { Link } from '../components/link.tsx';
import { OrderAgain } from '../components/order-again.tsx';
import { OrderHistory } from '../components/order-history.tsx';
import { OrderSummary } from '../components/order-summary.tsx';
import { providerName } from '../components/payment-choice.tsx';
import { SpokenSteps } from '../components/spoken-steps.tsx';
import { SagaFigure } from '../components/saga-figure.tsx';
import { StateBadge } from '../components/state-badge.tsx';
import { useResource } from '../components/hooks.ts';
import { NotFound } from './not-found.tsx';
import { getOrder, getOrderSaga } from '../api/calls.ts';
import { ApiError } from '../api/errors.ts';
import { navigate } from '../router.ts';
import { signInAddress } from '../paths.ts';
import { followOrder } from '../state/follow-order.ts';
import { initialView, isFinal, reduceOrder } from '../state/order-stream.ts';
import { session } from '../state/session.ts';
import { stateWords } from '../saga/words.ts';
import { formatDayAndTime } from '../format/time.ts';

export function OrderPage({ orderId }: { orderId: string }) {
  const { status, user } = session.value;
  useEffect(() => {
    if (status === 'known' && user === null) navigate(signInAddress(`/orders/${orderId}`), { replace: true });
  }, [status, user, orderId]);
  if (user === null) {
    return (
      <Page title="Your order">
        <Skeleton className="skeleton-block" />
      </Page>
    );
  }
  // A fresh key begins with nothing known: one order's steps never show on another's page.
  return <LiveOrder key={orderId} orderId={orderId} />;
}

function LiveOrder({ orderId }: { orderId: string }) {
  const [view, tell] = useReducer(reduceOrder, initialView);
  const [failure, setFailure] = useState<unknown>(null);
  const saga = useResource('saga', getOrderSaga);
  const { order, connection, hasGap } = view;

  useEffect(
    () =>
      followOrder(orderId, {
        tell: (action) => {
          if (action.type === 'read' || action.type === 'snapshot') setFailure(null);
          tell(action);
        },
        fail: setFailure,
      }),
    [orderId],
  );

  useEffect(() => {
    if (!hasGap) return undefined;
    const abort = new AbortController();
    getOrder(orderId, abort.signal).then((read) => tell({ type: 'read', order: read }), setFailure);
    return () => abort.abort();
  }, [hasGap, orderId]);

  if (order === null && failure instanceof ApiError && failure.details.status === 404) return <NotFound what="order" />;
  const words = order === null ? null : stateWords[order.state];
  return (
    <Page
      title={words?.headline ?? 'Your order'}
      className="order-page"
      above={
        <Link href="/orders" class="back">
          <Icon name="back" /> Your orders
        </Link>
      }
    >
      <SpokenSteps order={order} connection={connection} />
      {order === null || words === null ? (
        <>
          {failure !== null && <Failure error={failure} />}
          <Skeleton className="skeleton-block" />
        </>
      ) : (
        <>
          <div class="order-status">
            <StateBadge state={order.state} />
            <ConnectionState connection={connection} />
          </div>
          <p class="order-sentence" data-testid="order-sentence">
            {order.reason ?? words.sentence}
            {order.reason !== null && order.state === 'Compensated' && ` ${words.sentence}`}
          </p>
          {failure !== null && <Failure error={failure} />}
          {saga.error !== null && <Failure error={saga.error} onRetry={saga.reload} />}
          {saga.data === null ? (
            saga.status === 'loading' && <Skeleton className="skeleton-figure" />
          ) : (
            <SagaFigure diagram={saga.data} order={order} />
          )}
          <div class="columns">
            <section class="panel" aria-labelledby="history">
              <h2 id="history">What happened</h2>
              <OrderHistory history={order.history} done={isFinal(order.state)} />
            </section>
            <section class="panel summary" aria-labelledby="summary">
              <h2 id="summary">Your order</h2>
              <OrderSummary lines={order.lines} total={order.total} />
              <dl class="facts">
                <div>
                  <dt>Placed</dt>
                  <dd>
                    <time dateTime={order.placedAt}>{formatDayAndTime(order.placedAt)}</time>
                  </dd>
                </div>
                <div>
                  <dt>Payment</dt>
                  <dd>
                    {providerName(order.payment.provider)} · <code>{order.payment.method}</code>
                  </dd>
                </div>
                <div>
                  <dt>Order</dt>
                  <dd>
                    <code data-testid="order-id">{order.orderId}</code>
                  </dd>
                </div>
              </dl>
              {order.state === 'Compensated' && <OrderAgain order={order} />}
              {isFinal(order.state) && (
                <Link href="/" class="quiet-link">
                  Go on shopping
                </Link>
              )}
            </section>
          </div>
        </>
      )}
    </Page>
  );
}
