/** Catalog's replicas against the rows: the products that have changed last, and all of them in turn. */
import type { Queryable } from '@ballast/postgres';
import type { CatalogTrouble } from '../clients/catalogs.ts';
import { reasonOf, type Get } from '../clients/http.ts';
import type { Instance } from '../config.ts';
import type { Board, FaultState, Offence } from '../domain/board.ts';
import { createReplicaJudge, type Shown } from '../domain/replicas.ts';
import { lowest } from '../domain/uuid7.ts';
import { sampleProducts, type ProductRevision } from '../store/products.ts';
import { plural, report } from './look.ts';

/** Products asked for in one look: those that changed last, and of a walk through all. */
const sample = { latest: 8, walk: 4 };
/** And so many that a replica was just behind with: whether it catches up is seen by asking again. */
const mostSuspects = 8;
/** How far behind a replica may be while it may not hear of changes (guarantee 6), in ms. */
const deafLagMs = 5_500;
/** What one replica has just been too late with it may still be handing out: it counts when it is seen again. */
const seenTwiceMs = 900;
/** A version that fell is an event: how long it is shown, in ms. */
const eventMs = 60_000;

export interface ReplicaSources {
  board: Board;
  database: Queryable;
  instances: readonly Instance[];
  get: Get;
  faults: () => FaultState;
  /** How far behind one may be while it hears of changes, in ms. */
  lagMs: number;
  /** Asks the replicas how they are. */
  trouble: () => Promise<CatalogTrouble>;
  now: () => number;
}

/** Returns the look; call it every second. */
export function createReplicaLook(sources: ReplicaSources): () => Promise<void> {
  const { board, database, get, faults, lagMs, trouble, now } = sources;
  const replicas = sources.instances.filter(({ service }) => service === 'catalog');
  const judge = createReplicaJudge();
  const events = new Map<string, { offence: Offence; at: number }>();
  let place = lowest;
  let suspects: readonly string[] = [];

  const ask = async ({ name, url }: Instance, products: readonly ProductRevision[]): Promise<Shown[]> => {
    const shown: Shown[] = [];
    for (const { productId } of products) {
      const askedAt = now();
      const answer = await get(`${url}/products/${productId}`);
      if (answer.status === 404) continue;
      const revision = answer.headers['x-revision'];
      if (answer.status !== 200 || typeof revision !== 'string') throw new Error(`it answered ${answer.status}`);
      shown.push({ replica: name, productId, revision: Number(revision), askedAt });
    }
    return shown;
  };

  const allowedLag = (): number => {
    const { faults: state, healedAt } = faults();
    return state !== 'none' || (healedAt !== null && now() - healedAt < 2 * deafLagMs) ? deafLagMs : lagMs;
  };

  const judgeAll = async (shown: readonly Shown[]): Promise<Offence[]> => {
    let lag = allowedLag();
    const judged = shown.map((one) => ({ one, behind: judge.behind(one), before: judge.fell(one) }));
    // How the replicas are is asked only where it matters.
    suspects = [...new Set(judged.filter(({ behind }) => behind > 0).map(({ one }) => one.productId))].slice(
      0,
      mostSuspects,
    );
    const isOdd = judged.some(({ behind, before }) => behind > lag || before !== undefined);
    const known = isOdd ? await trouble() : undefined;
    // Who cannot hear of a change, or could not be told of it, shows the old version until its copies end.
    if (known !== undefined && now() - known.at < 2 * deafLagMs) lag = Math.max(lag, deafLagMs);
    const offences: Offence[] = [];
    for (const { one, behind, before } of judged) {
      const id = `${one.replica}:${one.productId}`;
      if (behind > lag) {
        const why = `${one.replica} shows product ${one.productId} as it was ${(behind / 1_000).toFixed(1)} s ago`;
        offences.push({ id, key: `${id} behind`, why, lasts: seenTwiceMs });
      }
      // A process that was started anew does not know what the one before it has shown.
      const isNew = now() - (known?.startedAt.get(one.replica) ?? 0) < 2 * deafLagMs;
      if (before === undefined || isNew) continue;
      const why = `${one.replica} showed an older version of product ${one.productId} after a newer one`;
      const key = `${id} fell from ${before}`;
      events.set(key, { offence: { id, key, why, lasts: 0 }, at: now() });
    }
    for (const [key, { at }] of events) if (now() - at > eventMs) events.delete(key);
    return [...offences, ...[...events.values()].map(({ offence }) => offence)];
  };

  return () =>
    report(board, 'products', [[10, 'replicas']], async () => {
      const found = await sampleProducts(database, { ...sample, after: place, also: suspects });
      place = found.place ?? lowest;
      const readAt = now();
      for (const { productId, revision } of found.products) judge.see(productId, revision, readAt);
      const answers = await Promise.all(
        replicas.map(async (replica) => {
          try {
            return { shown: await ask(replica, found.products) };
          } catch (error) {
            return { silent: `${replica.name} does not show its products: ${reasonOf(error)}` };
          }
        }),
      );
      const silent = answers.flatMap((answer) => ('silent' in answer ? [answer.silent] : []));
      // What nobody shows cannot be wrong; but of all of them somebody must have been heard.
      if (silent.length === replicas.length) throw new Error(silent.join(', ') || 'there is no catalog to ask');
      const offences = await judgeAll(answers.flatMap((answer) => ('shown' in answer ? answer.shown : [])));
      const detail = [`${plural(found.products.length, 'product')} looked at`, ...silent].join('; ');
      return [{ invariant: 10, part: 'replicas', detail, offences }];
    });
}
