/**
 * Negative controls: for each invariant the auditor judges, a way to break the mesh on purpose so that this invariant,
 * and no other, turns red. A checker that was never seen to say no says nothing when it says yes.
 *
 * To use one: plant its defects (`PUT /lab/defects/<defect>` at each instance), drive its load, see the verdict. Then
 * remove them (`DELETE`), and where it leaves damage behind tell the auditor that it is known (`POST /lab/acknowledge`):
 * what offends now, and the orders that were under way meanwhile, whose damage may come to light only when they end. A control is no fault in the sense of `PUT /lab/fault-window`: invariants
 * that hold once faults are healed would wait for its end.
 */
import { Type, type Static } from 'typebox';
import { Timestamp } from './primitives.ts';

/**
 * What has to happen for a control to show: `reads` are of single products, `sign-ins` go to identity or the bff, `devices`
 * come to the TCP gateway, are refused, and go; some of them wait a while before they do.
 */
export const controlLoads = ['orders', 'declined-orders', 'reads', 'sign-ins', 'devices'] as const;
export type ControlLoad = (typeof controlLoads)[number];

export interface Control {
  /** Its name, which is that of the defect that breaks the promise. */
  control: string;
  /** Number of the invariant that turns red. */
  invariant: number;
  /** What the mesh does wrong while it is planted, for a person. */
  title: string;
  plants: readonly { instance: string; defect: string }[];
  /** Each of these at least once or twice a second. */
  load: readonly ControlLoad[];
  /** Seconds in which the verdict turns red under that load. */
  redWithin: number;
  /** What stays wrong when the defect is gone; null where the mesh repairs it by itself. */
  leaves: string | null;
}

const at = (instances: readonly string[], defect: string): Control['plants'] =>
  instances.map((instance) => ({ instance, defect }));
const catalogs = ['catalog-1', 'catalog-2'];
const checkouts = ['checkout-1', 'checkout-2'];

/** Every control, in the order of invariants. */
export const controls: readonly Control[] = [
  {
    control: 'catalog.sale-uncounted',
    invariant: 1,
    title: 'Catalog puts pieces back on the shelf that it has just sold',
    plants: at(catalogs, 'catalog.sale-uncounted'),
    load: ['orders'],
    redWithin: 10,
    leaves: 'products that count too few pieces as sold',
  },
  {
    control: 'catalog.keeps-reservation',
    invariant: 2,
    title: 'Catalog says that it has released stock, and keeps it',
    plants: at(catalogs, 'catalog.keeps-reservation'),
    load: ['declined-orders'],
    redWithin: 15,
    leaves: 'reservations of orders that have ended, until they run out',
  },
  {
    control: 'payments.capture-in-name-only',
    invariant: 3,
    title: 'Payments says that it has taken the money, and never asks the provider',
    plants: at(['payments'], 'payments.capture-in-name-only'),
    load: ['orders'],
    redWithin: 15,
    leaves: 'completed orders that nobody has paid',
  },
  {
    control: 'payments.capture-twice',
    invariant: 4,
    title: 'Payments takes the money of each order twice',
    plants: at(['payments'], 'payments.capture-twice'),
    load: ['orders'],
    redWithin: 10,
    leaves: 'orders that were paid twice',
  },
  {
    control: 'saga.no-inbox',
    invariant: 5,
    title: 'Checkout does not remember messages, and catalog tells each of its own once more a little later',
    plants: [...at(checkouts, 'saga.no-inbox'), ...at(catalogs, 'outbox.tell-again')],
    load: ['declined-orders'],
    redWithin: 10,
    leaves: 'transitions that one message has caused twice',
  },
  {
    control: 'saga.no-log',
    invariant: 6,
    title: 'Checkout moves sagas without writing down that their stock was reserved',
    plants: at(checkouts, 'saga.no-log'),
    load: ['orders'],
    redWithin: 10,
    leaves: 'sagas with a gap in their log',
  },
  {
    control: 'checkout.answer-unstored',
    invariant: 7,
    title: 'Checkout answers 202 and stores nothing',
    plants: at(checkouts, 'checkout.answer-unstored'),
    load: ['orders'],
    redWithin: 10,
    leaves: 'answers about orders that do not exist',
  },
  {
    control: 'outbox.never-told',
    invariant: 8,
    title: 'Payments stores what it has to tell, and tells nobody',
    plants: at(['payments'], 'outbox.never-told'),
    load: ['orders'],
    redWithin: 15,
    leaves: null,
  },
  {
    control: 'checkout.ignore-key',
    invariant: 9,
    title: 'Checkout stores orders under keys of its own instead of the caller’s',
    plants: at(checkouts, 'checkout.ignore-key'),
    load: ['orders'],
    redWithin: 10,
    leaves: 'orders that are not under the key they were placed with',
  },
  {
    control: 'cache.deaf',
    invariant: 10,
    title: 'The replicas of catalog do not listen when the other one changes a product, and never forget a copy',
    // Both: the broker deals messages out in turn, and with few orders the same one may always have the last word.
    plants: [...at(catalogs, 'cache.deaf'), ...at(catalogs, 'cache.never-expires')],
    load: ['orders'],
    redWithin: 15,
    leaves: null,
  },
  {
    control: 'analytics.gauge-only-rises',
    invariant: 11,
    title: 'Analytics hears of devices that come, and not of those that go',
    plants: at(['analytics'], 'analytics.gauge-only-rises'),
    load: ['devices'],
    redWithin: 20,
    leaves: null,
  },
  {
    control: 'analytics.failures-uncounted',
    invariant: 12,
    title: 'Analytics counts the attempts of devices that are refused, and not that they were',
    plants: at(['analytics'], 'analytics.failures-uncounted'),
    load: ['devices'],
    redWithin: 20,
    leaves: null,
  },
  {
    control: 'identity.family-without-token',
    invariant: 13,
    title: 'Identity signs people in with a refresh token that is used up already',
    plants: at(['identity'], 'identity.family-without-token'),
    load: ['sign-ins'],
    redWithin: 10,
    leaves: 'sessions that cannot be refreshed',
  },
  {
    control: 'postgres.leaks-transaction',
    invariant: 14,
    title: 'Payments leaves a transaction open now and then',
    plants: at(['payments'], 'postgres.leaks-transaction'),
    load: ['orders'],
    redWithin: 15,
    leaves: null,
  },
  {
    control: 'service.series-per-path',
    invariant: 16,
    title: 'A catalog measures each address by itself instead of each route',
    plants: at(['catalog-1'], 'service.series-per-path'),
    load: ['reads'],
    redWithin: 20,
    leaves: null,
  },
];

/** An order that was placed for so long before a control was planted may still have been under way then, in ms. */
export const underWayMs = 120_000;

/**
 * Auditor, operators in the lab: `POST /lab/acknowledge`. What offends now counts as known damage and turns nothing red any
 * more; it is still counted, in the verdict's detail. Only of one invariant, if that is given. So does,
 * later and of any invariant, what offends about an order that was `placed` in the window given. Kept where the
 * auditor has a file for it; else forgotten when it is started anew. → 200
 */
export const Acknowledge = Type.Object(
  {
    invariant: Type.Optional(Type.Integer({ minimum: 1, maximum: 16 })),
    placed: Type.Optional(Type.Object({ from: Timestamp, to: Timestamp }, { additionalProperties: false })),
  },
  { additionalProperties: false },
);
export type Acknowledge = Static<typeof Acknowledge>;
export const Acknowledged = Type.Object({
  /** Marked by this call. */
  marked: Type.Integer(),
  /** Known damage in all. */
  known: Type.Integer(),
});
export type Acknowledged = Static<typeof Acknowledged>;
