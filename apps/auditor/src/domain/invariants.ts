/**
 * The invariants (guarantees.md) the auditor judges, as data. Number 15 is about services that do not exist yet, and is not
 * listed at all.
 */

/** One invariant. */
export interface Invariant {
  invariant: number;
  title: string;
  /** `always` holds at any time; `quiet` once faults are healed and the time for it has passed. */
  when: 'always' | 'quiet';
  /**
   * What is looked at for it, by name, and for how long one look says something, in ms. All must have been looked at
   * lately; what was not makes the verdict `unknown`.
   */
  parts: Readonly<Record<string, number>>;
}

/** Looks come every second; four may fail before nobody knows any more. */
const everySecond = 5_000;
/** Metrics are read every few seconds. */
const everyFewSeconds = 12_000;
/** The whole of a table, as often as it costs next to nothing. */
const rarely = 180_000;

export const invariants: readonly Invariant[] = [
  {
    invariant: 1,
    title: 'Stock adds up, and what is reserved and sold is what orders hold',
    when: 'always',
    parts: { sums: everySecond, shelf: rarely },
  },
  {
    invariant: 2,
    title: 'No stock is held for an order that is unknown or has ended',
    when: 'quiet',
    parts: { held: everySecond, orders: everySecond },
  },
  {
    invariant: 3,
    title: 'Money taken is what completed orders cost, by our ledger and by the provider’s',
    when: 'quiet',
    parts: { orders: everySecond, claims: everySecond, ledger: everySecond },
  },
  {
    invariant: 4,
    title: 'No order is paid twice',
    when: 'always',
    parts: { orders: everySecond, ledger: everySecond },
  },
  {
    invariant: 5,
    title: 'No message has its effect twice',
    when: 'always',
    parts: { orders: everySecond },
  },
  {
    invariant: 6,
    title: 'Every saga moves on until it ends, by the rules, and writes each step down',
    when: 'quiet',
    parts: { orders: everySecond, moving: everySecond },
  },
  {
    invariant: 7,
    title: 'Whatever a client was told exists',
    when: 'always',
    parts: { answers: everySecond },
  },
  {
    invariant: 8,
    title: 'What is stored to be told is told within five seconds, and no message is given up',
    when: 'quiet',
    parts: { outboxes: everySecond, letters: everyFewSeconds },
  },
  {
    invariant: 9,
    title: 'One order and one answer per caller, route and key',
    when: 'always',
    parts: { answers: everySecond },
  },
  {
    invariant: 10,
    title: 'Both catalogs show what the database holds, and never an older version after a newer one',
    when: 'always',
    parts: { replicas: everySecond },
  },
  {
    invariant: 11,
    title: 'As many devices are shown as connected as the kernel has sockets',
    when: 'quiet',
    parts: { sockets: everySecond },
  },
  {
    invariant: 12,
    title: 'Every attempt of a device is let in, refused or under way, and counted once',
    when: 'always',
    parts: { counts: everySecond },
  },
  {
    invariant: 13,
    title: 'One live token per session, and none used after its end',
    when: 'always',
    parts: { sessions: everySecond },
  },
  {
    invariant: 14,
    title: 'No database login outlives its use, and no transaction is left open',
    when: 'always',
    parts: { transactions: everySecond, logins: everyFewSeconds },
  },
  {
    invariant: 16,
    title: 'No service grows: metric series, file descriptors, memory; no rejection unhandled',
    when: 'quiet',
    parts: { metrics: everyFewSeconds },
  },
];

/** Those that can be judged: of devices only where there is a gateway, and of sockets only where the kernel's are its own. */
export function judgedHere(has: { devices: boolean; sockets: boolean }): Invariant[] {
  return invariants.filter(
    ({ invariant }) => (invariant !== 11 || (has.devices && has.sockets)) && (invariant !== 12 || has.devices),
  );
}
