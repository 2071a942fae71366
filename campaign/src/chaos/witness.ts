/**
 * What is read from rows past every service, as an administrator: the history of products' versions, taken by the database
 * itself, what waits while a run goes on, and whether what clients were promised is there in the end.
 */
import pg from 'pg';
import type { Violation } from '../judge.ts';
import type { Backlog, Span } from './figures.ts';
import type { Claimed } from './traffic/claims.ts';
import { rest } from './traffic/customer.ts';
import type { RowVersion } from './versions.ts';

const schemasWithOutbox = ['catalog', 'payments', 'checkout', 'claims'] as const;
const ended = `('Completed', 'Compensated', 'RequiresReview')`;
const sampleMs = 250;
/** Violations of one kind that are told. */
const mostTold = 5;

/** All sagas of the mesh as they are now; `span` is from the first move to the last, or until now. */
export interface SagaRow {
  state: string;
  span: Span;
}

export class Witness {
  readonly #pool: pg.Pool;
  readonly outbox: Backlog[] = [];
  readonly sagas: Backlog[] = [];
  readonly #ending = new AbortController();
  #watching: Promise<void> = Promise.resolve();
  /** Samples that could not be taken. */
  missed = 0;

  /** `url` is an administrator's, past all links. */
  constructor(url: string) {
    this.#pool = new pg.Pool({ connectionString: url, max: 2, connectionTimeoutMillis: 3_000, query_timeout: 5_000 });
    this.#pool.on('error', () => (this.missed += 1));
  }

  /** From now on every version of a product's row is noted in the transaction that makes it, whoever that is. */
  async noteVersions(): Promise<void> {
    await this.#pool.query(`
      CREATE SCHEMA campaign;
      CREATE TABLE campaign.versions (product_id uuid NOT NULL, version text NOT NULL, revision bigint NOT NULL);
      CREATE FUNCTION campaign.note_version() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
      BEGIN
        INSERT INTO campaign.versions
        SELECT product_id, xmin::text, revision FROM catalog.products WHERE product_id = NEW.product_id;
        RETURN NULL;
      END $$;
      CREATE TRIGGER note_version AFTER INSERT OR UPDATE ON catalog.products
        FOR EACH ROW EXECUTE FUNCTION campaign.note_version();
      INSERT INTO campaign.versions SELECT product_id, xmin::text, revision FROM catalog.products`);
  }

  /** Begins to look four times a second at what waits. */
  watch(): void {
    const { signal } = this.#ending;
    const look = async (): Promise<void> => {
      while (!signal.aborted) {
        await this.#sample();
        await rest(sampleMs, signal);
      }
    };
    this.#watching = look();
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await this.#watching;
    await this.#pool.end();
  }

  /** How many sagas have not ended, and messages have not been told. */
  async waiting(): Promise<{ sagas: number; messages: number }> {
    const outboxes = schemasWithOutbox.map((schema) => `(SELECT count(*) FROM ${schema}.outbox)`).join(' + ');
    const { rows } = await this.#pool.query<{ sagas: string; messages: string }>(
      `SELECT (SELECT count(*) FROM checkout.sagas WHERE state NOT IN ${ended}) AS sagas, ${outboxes} AS messages`,
    );
    return { sagas: Number(rows[0]!.sagas), messages: Number(rows[0]!.messages) };
  }

  async sagaRows(): Promise<SagaRow[]> {
    const { rows } = await this.#pool.query<{ state: string; started: string; moved: string }>(
      `SELECT state, extract(epoch FROM started_at) * 1000 AS started,
              extract(epoch FROM CASE WHEN state IN ${ended} THEN moved_at ELSE now() END) * 1000 AS moved
         FROM checkout.sagas`,
    );
    return rows.map(({ state, started, moved }) => ({ state, span: { from: Number(started), to: Number(moved) } }));
  }

  async versions(): Promise<RowVersion[]> {
    const { rows } = await this.#pool.query<{ product_id: string; version: string; revision: string }>(
      'SELECT product_id, version, revision FROM campaign.versions',
    );
    return rows.map(({ product_id: productId, version, revision }) => ({
      productId,
      version,
      revision: Number(revision),
    }));
  }

  /** Whatever was answered 2xx exists: claims with what was decided, webhooks' events, and orders of the load by number. */
  async missing(promised: {
    claims: readonly Claimed[];
    events: readonly string[];
    /** Orders answered 2xx, by whomever they were placed. */
    orders: number;
  }): Promise<Violation[]> {
    const invariant = 'whatever was answered 2xx exists';
    const claims = await this.#pool.query<{ claim_id: string; idempotency_key: string; state: string }>(
      'SELECT claim_id, idempotency_key, state FROM claims.claims',
    );
    const known = new Map(claims.rows.map((row) => [row.claim_id, row]));
    const lost = promised.claims.flatMap(({ claimId, idempotencyKey, decision }) => {
      const row = known.get(claimId);
      if (row === undefined) return [`claim ${claimId} does not exist`];
      if (row.idempotency_key !== idempotencyKey) return [`claim ${claimId} is under another key`];
      const kept = decision === null || (decision === 'refuse') === (row.state === 'refused');
      return kept && (decision === null || row.state !== 'open')
        ? []
        : [`claim ${claimId} was answered as decided (${decision}) and is ${row.state}`];
    });
    const events = await this.#pool.query<{ event_id: string }>('SELECT event_id FROM payments.webhook_events');
    const heard = new Set(events.rows.map((row) => row.event_id));
    const unheard = promised.events
      .filter((id) => !heard.has(id))
      .map((id) => `webhook ${id} was acknowledged and is not there`);
    const orders = await this.#pool.query<{ count: string }>('SELECT count(*) FROM checkout.orders');
    const stored = Number(orders.rows[0]!.count);
    const fewer = stored < promised.orders ? [`${promised.orders} orders were answered 2xx and ${stored} exist`] : [];
    return [lost, unheard, fewer].flatMap((kind) => [
      ...kind.slice(0, mostTold).map((detail) => ({ invariant, detail })),
      ...(kind.length > mostTold ? [{ invariant, detail: `and ${kind.length - mostTold} more like the last` }] : []),
    ]);
  }

  async #sample(): Promise<void> {
    const outboxes = schemasWithOutbox
      .map((schema) => `SELECT min(created_at) AS at FROM ${schema}.outbox`)
      .join(' UNION ALL ');
    try {
      const { rows } = await this.#pool.query<{ outbox: string | null; saga: string | null }>(
        `SELECT extract(epoch FROM (SELECT min(at) FROM (${outboxes}) AS each)) * 1000 AS outbox,
                extract(epoch FROM (SELECT min(started_at) FROM checkout.sagas WHERE state NOT IN ${ended})) * 1000 AS saga`,
      );
      const at = Date.now();
      const oldest = (value: string | null): number | null => (value === null ? null : Number(value));
      this.outbox.push({ at, oldest: oldest(rows[0]!.outbox) });
      this.sagas.push({ at, oldest: oldest(rows[0]!.saga) });
    } catch {
      // Its own session may be ended by a fault, too; the next look has another one. Counted, and shown.
      this.missed += 1;
    }
  }
}
