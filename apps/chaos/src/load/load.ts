/**
 * The load: orders and reads at a pace that does not depend on the answers, as customers come. What would be too much at a
 * time is counted, never queued. Beside it a gentle probe, so that there is something to measure while nobody orders.
 */
import type { Load, LoadState } from '@ballast/contracts';
import type { Journal } from '../journal.ts';
import type { ChaosState } from '../state.ts';
import { createPace } from '../domain/pace.ts';
import { seededRandom } from '../domain/random.ts';
import { perSession, type Accounts } from './accounts.ts';
import type { Caller } from './caller.ts';
import { placeOrder } from './order.ts';
import type { Shelf } from './shelf.ts';

export interface LoadGenerator {
  set(load: Load): LoadState;
  state(): LoadState;
  /** From now on everything drawn at random follows this seed. */
  seed(seed: number): void;
  /** Orders answered 202, the latest 20,000, oldest first. */
  accepted(): readonly AcceptedOrder[];
  start(): void;
  /** Stops sending; what is under way ends by itself. */
  stop(): void;
}

export interface AcceptedOrder {
  orderId: string;
  /** ms since 1970. */
  at: number;
}

const mostInFlight = 500;
const tickMs = 10;
const lookEveryMs = 2_000;
const publishEveryMs = 500;
const mostRemembered = 20_000;
/** Of the probe, in ms: two reads a second, and a look at the session. */
const probeEveryMs = 500;

export function createLoad(parts: {
  caller: Caller;
  accounts: Accounts;
  shelf: Shelf;
  journal: Journal;
  state: ChaosState;
  /** Whether the probe has a reason to run beside the load. */
  probing: () => boolean;
}): LoadGenerator {
  const { caller, accounts, shelf, journal, state, probing } = parts;
  let load: Load = { ordersPerSecond: 0, declined: 0, readsPerSecond: 0 };
  const counts = { sent: 0, accepted: 0, refused: 0, failed: 0, inFlight: 0, skipped: 0 };
  const orders = createPace();
  const reads = createPace();
  const stopping = new AbortController();
  const timers: NodeJS.Timeout[] = [];
  let random = seededRandom(1);
  let remembered: AcceptedOrder[] = [];
  let probes = 0;

  const loaded = (): boolean => load.ordersPerSecond > 0 || load.readsPerSecond > 0;
  const shown = (): LoadState => ({ load, ...counts });
  const underWay = async (work: () => Promise<void>): Promise<void> => {
    counts.inFlight += 1;
    try {
      await work();
    } finally {
      counts.inFlight -= 1;
    }
  };
  const remember = (orderId: string): void => {
    remembered.push({ orderId, at: Date.now() });
    if (remembered.length > mostRemembered * 1.1) remembered = remembered.slice(-mostRemembered);
  };
  const order = async (): Promise<void> => {
    const account = accounts.next();
    const product = shelf.product(random);
    const payment = shelf.payment(random() < load.declined, random);
    if (account === null || product === null || payment === null || counts.inFlight >= mostInFlight) {
      counts.skipped += 1;
      return;
    }
    counts.sent += 1;
    await underWay(async () => {
      const { productId } = product;
      const placed = await placeOrder({ caller, account, productId, payment, random, signal: stopping.signal });
      counts[placed.outcome] += 1;
      if (placed.outcome !== 'accepted') return;
      remember(placed.orderId);
      journal.order();
    });
  };
  const read = async (): Promise<void> => {
    const account = accounts.nextReader();
    const product = shelf.product(random);
    const cookie = account?.cookie() ?? null;
    if (cookie === null || product === null || counts.inFlight >= mostInFlight) {
      counts.skipped += 1;
      return;
    }
    await underWay(async () => {
      await caller.call({ path: `/api/products/${product.productId}`, headers: { cookie } });
    });
  };
  const tick = (): void => {
    const now = performance.now();
    for (let due = orders.due(now); due > 0; due -= 1) void order();
    for (let due = reads.due(now); due > 0; due -= 1) void read();
  };
  const probe = (): void => {
    if (!probing() && !loaded()) return;
    probes += 1;
    void caller.call({ path: '/api/products?limit=1' });
    if (probes % 2 !== 0) return;
    const cookie = accounts.nextReader()?.cookie() ?? null;
    void caller.call({ path: '/api/session', ...(cookie === null ? {} : { headers: { cookie } }) });
  };
  let looking = false;
  const look = async (): Promise<void> => {
    if (looking || !loaded()) return;
    looking = true;
    await shelf.look();
    looking = false;
  };
  let published = '';
  const publish = (): void => {
    const now = JSON.stringify(shown());
    if (now === published) return;
    published = now;
    state.set('load', shown());
  };

  return {
    set: (next) => {
      const began = !loaded();
      load = { ...next };
      const now = performance.now();
      orders.set(load.ordersPerSecond, now);
      reads.set(load.readsPerSecond, now);
      if (loaded()) {
        // A retry is a request as well.
        accounts.want(Math.ceil((load.ordersPerSecond * 1.5 + load.readsPerSecond) / perSession) + 1);
        if (began) void look();
      }
      publish();
      return shown();
    },
    state: shown,
    seed: (seed) => {
      random = seededRandom(seed);
    },
    accepted: () => remembered,
    start: () => {
      timers.push(
        setInterval(tick, tickMs),
        setInterval(probe, probeEveryMs),
        setInterval(() => void look(), lookEveryMs),
        setInterval(publish, publishEveryMs),
      );
    },
    stop: () => {
      stopping.abort();
      load = { ordersPerSecond: 0, declined: 0, readsPerSecond: 0 };
      for (const timer of timers) clearInterval(timer);
    },
  };
}
