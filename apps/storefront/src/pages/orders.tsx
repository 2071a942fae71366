/** The visitor's orders, newest first. */
import { useEffect, useState } from 'preact/hooks';
import type { Order } from '@ballast/contracts';
import { Page } from '../components/page.tsx';
import { Empty, Failure, Skeleton } from '../components/messages.tsx';
import { Link } from '../components/link.tsx';
import { StateBadge } from '../components/state-badge.tsx';
import { useResource } from '../components/hooks.ts';
import { getOrders } from '../api/calls.ts';
import { navigate } from '../router.ts';
import { signInAddress } from '../paths.ts';
import { session } from '../state/session.ts';
import { formatMoney } from '../format/money.ts';
import { formatDayAndTime, plural } from '../format/time.ts';

export function OrdersPage() {
  const { status, user } = session.value;
  useEffect(() => {
    if (status === 'known' && user === null) navigate(signInAddress('/orders'), { replace: true });
  }, [status, user]);
  return <Page title="Your orders">{user === null ? <ListSkeleton /> : <OrderList />}</Page>;
}

function ListSkeleton() {
  return (
    <div class="orders">
      {Array.from({ length: 4 }, (_, index) => (
        <Skeleton key={index} className="skeleton-row" />
      ))}
    </div>
  );
}

function OrderList() {
  const first = useResource('orders', (signal) => getOrders(null, signal));
  const [later, setLater] = useState<readonly Order[]>([]);
  const [cursor, setCursor] = useState<string | null | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);

  if (first.error !== null) return <Failure error={first.error} onRetry={first.reload} />;
  if (first.data === null) return <ListSkeleton />;
  const orders = [...first.data.items, ...later];
  const next = cursor === undefined ? first.data.nextCursor : cursor;
  if (orders.length === 0) {
    return (
      <Empty title="You have not ordered anything yet.">
        <Link href="/" class="button">
          Look at all products
        </Link>
      </Empty>
    );
  }

  const loadMore = async (): Promise<void> => {
    setBusy(true);
    setFailure(null);
    try {
      const page = await getOrders(next);
      setLater([...later, ...page.items]);
      setCursor(page.nextCursor);
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };

  return (
    <>
      <ul class="orders" data-testid="order-list">
        {orders.map((order) => (
          <OrderRow key={order.orderId} order={order} />
        ))}
      </ul>
      {failure !== null && <Failure error={failure} />}
      {next !== null && (
        <p class="more">
          <button type="button" class="button button-quiet" disabled={busy} onClick={() => void loadMore()}>
            {busy ? 'Loading…' : 'Load more'}
          </button>
        </p>
      )}
    </>
  );
}

function OrderRow({ order }: { order: Order }) {
  const [firstLine, ...others] = order.lines;
  const items = `${firstLine?.name ?? 'Nothing'}${others.length === 0 ? '' : ` and ${plural(others.length, 'other')}`}`;
  return (
    <li class="order-row">
      <div class="order-row-what">
        <Link href={`/orders/${order.orderId}`} class="order-row-link">
          {items}
        </Link>
        <span class="small">
          <time dateTime={order.placedAt}>{formatDayAndTime(order.placedAt)}</time>
        </span>
      </div>
      <StateBadge state={order.state} />
      <span class="price">{formatMoney(order.total)}</span>
    </li>
  );
}
