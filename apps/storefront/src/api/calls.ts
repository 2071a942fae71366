/** Every call the pages make, by name and with its types. */
import type {
  Credentials,
  Order,
  OrderAccepted,
  OrderPage,
  PaymentMethod,
  PlaceOrder,
  Product,
  ProductPage,
  SagaDiagram,
  Session,
  User,
} from '@ballast/contracts';
import { noteReachable, waiting } from '../state/reachability.ts';
import { createClient } from './client.ts';

/** The session as the bff tells it; `lab` is there, and true, only in the lab. */
export type SessionAnswer = Session & { lab?: boolean };

/** What signing in and out means to the pages; state/session.ts fills it in, so that this file needs no state. */
export type SessionDuties = {
  csrfToken(): Promise<string>;
  renewCsrfToken(): Promise<string>;
  onUnauthenticated(): void;
};

let duties: SessionDuties | null = null;

/** Tells the calls where the session is kept. Call once, before the first POST. */
export function setSessionDuties(given: SessionDuties): void {
  duties = given;
}

function sessionDuties(): SessionDuties {
  if (duties === null) throw new Error('setSessionDuties has not been called');
  return duties;
}

/** The client every call goes through; api/lab.ts makes its own calls with it. */
export const call = createClient({
  fetch: (...request) => fetch(...request),
  csrfToken: () => sessionDuties().csrfToken(),
  renewCsrfToken: () => sessionDuties().renewCsrfToken(),
  onUnauthenticated: () => sessionDuties().onUnauthenticated(),
  onReachable: noteReachable,
  onWaiting: (seconds) => {
    waiting.value = seconds;
  },
  wait: (seconds, signal) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, seconds * 1000);
      signal?.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(signal.reason as Error);
      });
    }),
  now: Date.now,
  isOnline: () => navigator.onLine,
});

function withSignal(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

export function getSession(): Promise<SessionAnswer> {
  return call('/api/session', { ownsUnauthenticated: true });
}

export function login(credentials: Credentials): Promise<{ user: User }> {
  return call('/api/auth/login', { method: 'POST', body: credentials, ownsUnauthenticated: true });
}

export function register(credentials: Credentials): Promise<{ user: User }> {
  return call('/api/auth/register', { method: 'POST', body: credentials, ownsUnauthenticated: true });
}

export function logout(): Promise<void> {
  return call('/api/auth/logout', { method: 'POST', ownsUnauthenticated: true });
}

/** A page of products; `cursor` comes from the page before. */
export function getProducts(query: string, cursor: string | null, signal?: AbortSignal): Promise<ProductPage> {
  const parameters = new URLSearchParams({ limit: '24' });
  if (query !== '') parameters.set('query', query);
  if (cursor !== null) parameters.set('cursor', cursor);
  return call(`/api/products?${parameters}`, withSignal(signal));
}

export function getProduct(productId: string, signal?: AbortSignal): Promise<Product> {
  return call(`/api/products/${productId}`, withSignal(signal));
}

export function getPaymentMethods(signal?: AbortSignal): Promise<PaymentMethod[]> {
  return call('/api/payment-methods', withSignal(signal));
}

/** Places an order. The same key and order may be sent again at any time: there will be one order. */
export function placeOrder(order: PlaceOrder, idempotencyKey: string): Promise<OrderAccepted> {
  return call('/api/orders', { method: 'POST', body: order, idempotencyKey });
}

export function getOrder(orderId: string, signal?: AbortSignal): Promise<Order> {
  return call(`/api/orders/${orderId}`, withSignal(signal));
}

/** A page of the visitor's own orders, newest first. */
export function getOrders(cursor: string | null, signal?: AbortSignal): Promise<OrderPage> {
  const parameters = new URLSearchParams({ limit: '20' });
  if (cursor !== null) parameters.set('cursor', cursor);
  return call(`/api/orders?${parameters}`, withSignal(signal));
}

/** The definition that drives orders, as data. */
export function getOrderSaga(signal?: AbortSignal): Promise<SagaDiagram> {
  return call('/api/sagas/place-order', withSignal(signal));
}

/** Address of an order's live stream, for `EventSource`. */
export function orderEventsAddress(orderId: string): string {
  return `/api/orders/${orderId}/events`;
}
