/**
 * What replicas may show of a product: nothing older than what the database has had for longer than the promise allows,
 * and never less than they have shown before. Revisions order the versions of one row.
 */

/** What a replica showed. Times are in ms of one clock. */
export interface Shown {
  replica: string;
  productId: string;
  revision: number;
  /** When it was asked. */
  askedAt: number;
}

export interface ReplicaJudge {
  /** The database has had this revision of a product, at this moment at the latest. */
  see(productId: string, revision: number, at: number): void;
  /** For how long what was shown had been outdated when it was asked for, at least, in ms; 0 for what was not. */
  behind(shown: Shown): number;
  /** The higher revision that this replica has shown before; undefined where there is none. Remembers what was shown. */
  fell(shown: Shown): number | undefined;
}

/** Revisions remembered of one product: those of the last seconds. */
const mostRevisions = 60;
const mostProducts = 5_000;

export function createReplicaJudge(): ReplicaJudge {
  /** Oldest first. */
  const seen = new Map<string, { revision: number; at: number }[]>();
  /** The highest shown, by replica and product. */
  const highest = new Map<string, number>();

  return {
    see: (productId, revision, at) => {
      const known = seen.get(productId) ?? [];
      if ((known.at(-1)?.revision ?? -1) < revision) known.push({ revision, at });
      if (known.length > mostRevisions) known.shift();
      if (seen.has(productId) || seen.size < mostProducts) seen.set(productId, known);
    },
    behind: ({ productId, revision, askedAt }) => {
      // The oldest of those that should have been shown instead: since then it was outdated.
      const missed = seen.get(productId)?.find((other) => other.revision > revision);
      return missed === undefined ? 0 : Math.max(0, askedAt - missed.at);
    },
    fell: ({ replica, productId, revision }) => {
      const key = `${replica}:${productId}`;
      const before = highest.get(key) ?? -1;
      if (highest.has(key) || highest.size < mostProducts) highest.set(key, Math.max(before, revision));
      return revision < before ? before : undefined;
    },
  };
}
