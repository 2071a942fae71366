/** An order that fails where it is told to, and its saga. */
import { useEffect, useReducer, useState } from 'preact/hooks';
import type { LabRow, Order, PaymentProviderName, PlaceOrder, SagaDiagram } from '@ballast/contracts';
import { getOrderSaga, placeOrder } from '../../api/calls.ts';
import { isAbort } from '../../api/client.ts';
import { ApiError } from '../../api/errors.ts';
import { getProductRow, serviceAddress } from '../../api/lab.ts';
import { useResource } from '../../components/hooks.ts';
import { ConnectionState } from '../../components/connection-state.tsx';
import { Demonstration } from '../../components/lab/demonstration.tsx';
import { SelectField } from '../../components/lab/fields.tsx';
import { BeforeAfter } from '../../components/lab/rows.tsx';
import { CannotGoOn, useTask } from '../../components/lab/task.ts';
import { Link } from '../../components/link.tsx';
import { Failure } from '../../components/messages.tsx';
import { OrderHistory } from '../../components/order-history.tsx';
import { providerName } from '../../components/payment-choice.tsx';
import { SagaFigure } from '../../components/saga-figure.tsx';
import { SpokenSteps } from '../../components/spoken-steps.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { orderFailingAt, possibleFailures } from '../../lab/choices.ts';
import type { FailAt } from '../../lab/choices.ts';
import { labelOf, wordsOf } from '../../saga/words.ts';
import { newIdempotencyKey } from '../../state/checkout-attempt.ts';
import { followOrder } from '../../state/follow-order.ts';
import { instancesOf } from '../../state/lab-cluster.ts';
import { loadSupplies, reloadProducts, supplies } from '../../state/lab-supplies.ts';
import { initialView, isFinal, reduceOrder } from '../../state/order-stream.ts';

const failureWords: Record<FailAt, string> = {
  none: 'Nowhere: it completes',
  stock: 'Stock: more is asked for than there is',
  authorisation: 'Authorisation: the provider declines',
  capture: 'Capture: authorised, then refused',
};

/** What is needed to follow one order of the demonstration. */
type Placed = {
  orderId: string;
  order: PlaceOrder;
  saga: SagaDiagram;
  /** The product's row before the order; null where it could not be read. */
  before: LabRow[] | null;
};

export function PlaceAndFail() {
  const task = useTask();
  const saga = useResource('saga', getOrderSaga);
  const [failAt, setFailAt] = useState<FailAt>('none');
  const [provider, setProvider] = useState<PaymentProviderName>('stripe');
  const [placed, setPlaced] = useState<Placed | null>(null);
  const [ended, setEnded] = useState('');
  const { methods, products } = supplies.value;
  const failures = possibleFailures(methods, provider);
  const chosen = failures.includes(failAt) ? failAt : 'none';
  const example = orderFailingAt(chosen, provider, methods, products)?.order;

  const run = (): void =>
    task.run(async (signal, tell) => {
      setPlaced(null);
      setEnded('');
      tell('Reading stock and means of payment…');
      const [{ products, methods }, saga] = await Promise.all([loadSupplies(signal), getOrderSaga(signal)]);
      const choice = orderFailingAt(chosen, provider, methods, products);
      if (choice === null)
        throw new CannotGoOn('The shop has no product, or the provider no means of payment, for this.');
      const before = await rowOf(choice.product.productId, signal);
      tell('Placing the order…');
      const { orderId } = await placeOrder(choice.order, newIdempotencyKey());
      setPlaced({ orderId, order: choice.order, saga, before });
      await reloadProducts(signal);
    });

  return (
    <Demonstration
      id="place-order"
      title="Place an order and fail it where you like"
      lead="A real order, paid with a test method that is accepted, declined, or refused at capture. The drawing is made from the saga’s definition and lit by the order’s own steps."
      task={task}
      action="Place the order"
      onRun={run}
      inputs={
        <>
          <SelectField
            id="place-order-fail"
            label="Fails at"
            value={chosen}
            onChange={(value) => setFailAt(value as FailAt)}
          >
            {(failures.length === 0 ? (['none'] as const) : failures).map((step) => (
              <option key={step} value={step}>
                {failureWords[step]}
              </option>
            ))}
          </SelectField>
          <SelectField
            id="place-order-provider"
            label="Paid with"
            value={provider}
            onChange={(value) => setProvider(value as PaymentProviderName)}
          >
            {(['stripe', 'paypal'] as const).map((name) => (
              <option key={name} value={name}>
                {providerName(name)}
              </option>
            ))}
          </SelectField>
        </>
      }
      summary={ended}
      calls={[
        {
          what: 'Place the order',
          method: 'POST',
          path: '/api/orders',
          idempotent: true,
          body: example ?? {
            lines: [{ productId: '$PRODUCT', quantity: 1 }],
            payment: { provider, method: '$METHOD' },
          },
        },
        { what: 'Follow it', path: `/api/orders/${placed?.orderId ?? '$ORDER'}/events` },
        { what: 'The definition', path: '/api/sagas/place-order', open: true },
        {
          what: 'The product’s row',
          path: serviceAddress(catalog(), `products/${example?.lines[0]?.productId ?? '$PRODUCT'}/row`),
        },
      ]}
    >
      {placed === null && saga.data !== null && <SagaFigure diagram={saga.data} order={null} />}
      {placed !== null && <Followed key={placed.orderId} placed={placed} onEnd={setEnded} />}
    </Demonstration>
  );
}

function catalog(): string {
  return instancesOf('catalog')[0] ?? 'catalog-1';
}

/** The product's row, or null where it cannot be read now: the order matters more. */
async function rowOf(productId: string, signal: AbortSignal): Promise<LabRow[] | null> {
  try {
    return (await getProductRow(catalog(), productId, signal)).rows;
  } catch (error) {
    if (error instanceof ApiError) return null;
    throw error;
  }
}

function Followed({ placed, onEnd }: { placed: Placed; onEnd: (summary: string) => void }) {
  const [{ order, connection }, tell] = useReducer(reduceOrder, initialView);
  const [failure, setFailure] = useState<unknown>(null);
  const [after, setAfter] = useState<LabRow[] | null>(null);
  const isOver = order !== null && isFinal(order.state) && connection === 'closed';
  const productId = placed.order.lines[0]?.productId ?? '';

  useEffect(
    () =>
      followOrder(placed.orderId, {
        tell: (action) => {
          if (action.type === 'read' || action.type === 'snapshot') setFailure(null);
          tell(action);
        },
        fail: setFailure,
      }),
    [placed.orderId],
  );
  useEffect(() => {
    if (!isOver) return undefined;
    onEnd(summaryOf(order));
    const abort = new AbortController();
    void rowOf(productId, abort.signal).then(setAfter, (error: unknown) => {
      if (!isAbort(error)) setFailure(error);
    });
    return () => abort.abort();
  }, [isOver]);

  if (order === null) return failure === null ? null : <Failure error={failure} />;
  return (
    <>
      <SpokenSteps order={order} connection={connection} />
      <div class="order-status">
        <StateBadge state={order.state} />
        <ConnectionState connection={connection} />
        <Link href={`/orders/${order.orderId}`} data-testid="lab-order">
          {order.orderId}
        </Link>
      </div>
      {failure !== null && <Failure error={failure} />}
      <SagaFigure diagram={placed.saga} order={order} />
      <OrderHistory history={order.history} done={isFinal(order.state)} />
      {placed.before !== null && after !== null && (
        <BeforeAfter title="The product’s row" before={placed.before} after={after} />
      )}
    </>
  );
}

function summaryOf(order: Order): string {
  const last = order.history.at(-1);
  const why = order.reason === null ? '' : ` ${order.reason}`;
  return `${labelOf(order.state)} after ${order.history.length} steps, the last one “${wordsOf(last?.event ?? '')}”.${why}`;
}
