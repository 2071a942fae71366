/**
 * Guarantee 5: exactly one winner per version, losers get 412 with what it is now, and the accepted versions form one
 * chain that does not fork. Two real catalog replicas; round after round many operators at once correct the stock of one
 * product, all with the version that the round before has accepted.
 */
import { startCatalogPair, type CatalogPair, type ProductAnswer } from './catalog-pair.ts';
import type { GuaranteeReport } from './report.ts';

export interface VersionsSize {
  rounds: number;
  /** Writers at once, half of them at each replica. */
  writers: number;
  /** Defects to plant in the replicas, comma separated. */
  defects?: string;
}

/** What is promised, in the size that it is promised for. Takes about half a minute on two cores. */
export const fullSize: VersionsSize = { rounds: 300, writers: 50 };

/** Violations of one kind that are told. */
const mostTold = 5;

/** Runs it and judges it; needs PostgreSQL, RabbitMQ and Redis (TEST_…_URL). Whatever it starts is gone at the end. */
export async function checkVersions(size: VersionsSize): Promise<GuaranteeReport> {
  const pair = await startCatalogPair(size.defects === undefined ? {} : { defects: size.defects });
  const startedAt = performance.now();
  try {
    const found = { winners: [] as string[], losers: [] as string[], chain: [] as string[] };
    const figures = { rounds: 0, writes: 0, accepted: 0, refused: 0 };
    const productId = await pair.addProduct(1);
    const first = await pair.get(pair.replicas[0], productId);
    /** Accepted versions in their order. */
    const chain = [first.etag];
    let onHand = first.body.onHand!;
    for (let round = 0; round < size.rounds; round += 1) {
      const answers = await race(pair, productId, chain.at(-1)!, size.writers, 1_000 + round * size.writers);
      const won = answers.filter(({ status }) => status === 200);
      const lost = answers.filter(({ status }) => status === 412);
      figures.rounds += 1;
      figures.writes += answers.length;
      figures.accepted += won.length;
      figures.refused += lost.length;
      if (won.length !== 1 || lost.length !== answers.length - 1) {
        const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
        found.winners.push(`one winner per version: round ${round} had ${won.length}: ${statuses.join(' ')}`);
      }
      const winner = won[0];
      if (winner === undefined) break;
      const misled = lost.find(({ etag, body }) => etag !== winner.etag || body.current?.onHand !== winner.body.onHand);
      if (won.length === 1 && misled !== undefined) {
        found.losers.push(`losers are shown the winner: round ${round} showed ${JSON.stringify(misled)}`);
      }
      chain.push(winner.etag);
      onHand = winner.body.onHand!;
    }
    if (new Set(chain).size !== chain.length) found.chain.push('accepted versions differ: one came twice');
    const [row] = await pair.database.query<{ version: string; on_hand: number }>(
      'SELECT xmin::text AS version, on_hand FROM products WHERE product_id = $1',
      [productId],
    );
    if (`"${row!.version}"` !== chain.at(-1) || row!.on_hand !== onHand) {
      found.chain.push(`the chain ends in the row: ${chain.at(-1)} ${onHand}, but the row is ${JSON.stringify(row)}`);
    }
    const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
    return {
      figures: { ...figures, chain: chain.length - 1, seconds },
      violations: Object.values(found).flatMap((list) => list.slice(0, mostTold)),
    };
  } finally {
    await pair.close();
  }
}

/** All at once, with the same version; no two set the same number, so that the row says who has won. */
function race(
  pair: CatalogPair,
  productId: string,
  etag: string,
  writers: number,
  from: number,
): Promise<ProductAnswer[]> {
  return Promise.all(
    Array.from({ length: writers }, (_, writer) =>
      pair.put(pair.replicas[writer % 2]!, productId, etag, from + writer),
    ),
  );
}
