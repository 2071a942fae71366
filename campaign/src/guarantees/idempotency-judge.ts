/** Judges guarantee 4 from what callers were told and from the rows of the bff and of the checkout behind it. */
import type { TestDatabase } from '@ballast/testing';
import type { CountingCheckout } from './counting-checkout.ts';

/** One answer that ends a caller's trying. */
export interface Definite {
  status: number;
  body: string;
  location: string;
  replayed: boolean;
}

/** A key of one user, and what its callers were told. */
export interface Keyed {
  userId: string;
  key: string;
  token: string;
  answers: Definite[];
  otherBody: Definite | null;
}

/** Where the rows are, and what happened on the way. */
export interface Judged {
  checkout: CountingCheckout;
  database: TestDatabase;
  figures: Record<string, number>;
}

/** Violations of one kind that are told. */
const mostTold = 5;

/** What rows and answers say against the promise. */
export async function judgeIdempotency(mesh: Judged, keyed: readonly Keyed[], kills: number): Promise<string[]> {
  const effects = await mesh.checkout.store.database.query<{ user_id: string; key: string; order_id: string }>(
    'SELECT user_id, key, order_id FROM effects',
  );
  const byKey = Map.groupBy(effects, (row) => `${row.user_id} ${row.key}`);
  const stored = await mesh.database.database.query<{ status: number | null; holder: string | null; count: number }>(
    'SELECT status, holder, count(*)::int AS count FROM idempotency_keys GROUP BY status, holder',
  );
  const found = new Map<string, string[]>();
  const expect = (holds: boolean, kind: string, detail: string): void => {
    if (!holds) found.set(kind, [...(found.get(kind) ?? []), detail]);
  };
  for (const { userId, key, answers, otherBody } of keyed) {
    const orders = byKey.get(`${userId} ${key}`) ?? [];
    expect(orders.length === 1, 'one effect per key', `${key} has ${orders.length} effects`);
    const bodies = new Set(answers.map(({ status, body, location }) => `${status} ${location} ${body}`));
    expect(bodies.size === 1, 'one answer per key', `${key} was answered ${[...bodies].join(' and ')}`);
    const told = `202 /api/orders/${orders[0]?.order_id} `;
    expect(
      [...bodies].every((body) => body.startsWith(told)),
      'the answer is the effect',
      `${key}: ${[...bodies][0]}`,
    );
    const fresh = answers.filter(({ replayed }) => !replayed).length;
    expect(fresh <= 1, 'all answers but one are replays', `${key} was answered anew ${fresh} times`);
    const refused = otherBody?.status === 422 && otherBody.body.includes('idempotency-key-reused');
    expect(refused, 'another body is refused', `${key}: ${otherBody?.status} ${otherBody?.body}`);
  }
  const wrong = stored.filter(({ status, holder }) => status !== 202 || holder !== null);
  for (const row of wrong) expect(false, 'nothing is left running', JSON.stringify(row));
  const rows = stored.reduce((sum, { count: each }) => sum + each, 0);
  expect(rows === keyed.length, 'one row per key', `${rows} rows for ${keyed.length} keys`);
  expect(mesh.figures['kills'] === kills, 'a run counts', `${mesh.figures['kills']} kills of ${kills}`);
  const hit = kills === 0 || mesh.figures['heldByTheDead']! > 0;
  expect(hit, 'a run counts', 'no kill met a bff at work');
  return [...found].flatMap(([kind, details]) => [
    ...details.slice(0, mostTold).map((detail) => `${kind}: ${detail}`),
    ...(details.length > mostTold ? [`${kind}: and ${details.length - mostTold} more`] : []),
  ]);
}
