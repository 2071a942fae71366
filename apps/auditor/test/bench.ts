/**
 * The auditor's looks on a test's rows, by a clock that the test sets: it stands still until it is moved, for the auditor
 * and for the ages of rows alike, so that nothing comes of how fast the machine is.
 */
import assert from 'node:assert/strict';
import type { Verdict, VerdictState } from '@ballast/contracts';
import { createDefinition } from '../src/clients/definition.ts';
import { createHttpClient } from '../src/clients/http.ts';
import { createCatalogWatch } from '../src/clients/catalogs.ts';
import { createMetricsReader } from '../src/clients/instances.ts';
import { createProviderLedger } from '../src/clients/ledger.ts';
import { createBoard, type FaultState } from '../src/domain/board.ts';
import { judgedHere } from '../src/domain/invariants.ts';
import { createFollower, type Follower } from '../src/follower.ts';
import { createAnswerLook, createSessionLook } from '../src/looks/answers.ts';
import { createInstanceLook } from '../src/looks/instances.ts';
import { createOrderLook } from '../src/looks/orders.ts';
import { createReplicaLook } from '../src/looks/replicas.ts';
import { createRowLook, createShelfLook } from '../src/looks/rows.ts';
import {
  clockSetTo,
  insertOrder,
  insertProduct,
  openMeshRows,
  openOutside,
  paid,
  patient,
  product,
  type MeshRows,
  type Outside,
} from './support.ts';

export interface AuditBench {
  rows: MeshRows;
  outside: Outside;
  follower: Follower;
  faults: FaultState;
  /** What the clock shows, in ms since the epoch. */
  now(): number;
  /** Moves the clock on. */
  pass(milliseconds: number): Promise<void>;
  /**
   * Every look once, and a few times more while it leaves other invariants unknown than these: somebody may not have had
   * an answer in time. What it has found to be violated must then be found again.
   */
  look(unknown?: readonly number[]): Promise<void>;
  verdict(invariant: number): Verdict;
  states(): Record<number, VerdictState>;
  acknowledge(): void;
  /** Begins with nothing but one product, and an auditor that has seen nothing. */
  fresh(): Promise<void>;
  /** Puts a good order in, paid where it is completed. Returns its id. */
  order(state: 'Completed' | 'Compensated' | 'Initiated', secondsAgo?: number): Promise<string>;
  close(): Promise<void>;
}

const tables = `catalog.products, catalog.reservations, catalog.reservation_lines, catalog.outbox, checkout.orders, checkout.sagas,
  checkout.saga_transitions, checkout.outbox, payments.ledger, payments.outbox, claims.claims, claims.outbox,
  bff.idempotency_keys, identity.users, identity.refresh_families, identity.refresh_tokens`;

export async function openBench(): Promise<AuditBench> {
  const rows = await openMeshRows();
  const outside = await openOutside();
  const http = createHttpClient();
  const get = patient(http.get);
  let clock = Date.now();
  const now = (): number => clock;

  const audit = () => {
    const { database } = rows;
    const names = ['catalog-1', 'catalog-2', 'checkout-1'];
    const instances = names.map((name) => ({ name, service: name.replace(/-\d$/, ''), url: `${outside.url}/${name}` }));
    const board = createBoard(judgedHere({ devices: false, sockets: false }), { now, faults: () => bench.faults });
    const follower = createFollower(database, now);
    const metrics = createMetricsReader(instances, get, now);
    const faults = () => bench.faults;
    const looks = [
      createOrderLook({
        board,
        database,
        follower,
        ledger: createProviderLedger(outside.url, get),
        definition: createDefinition(instances, get),
        now,
      }),
      createRowLook(board, database),
      createAnswerLook(board, database, now),
      createSessionLook(board, database, now),
      createReplicaLook({
        lagMs: 500,
        board,
        database,
        instances,
        get,
        faults,
        trouble: createCatalogWatch(metrics, now),
        now,
      }),
      createInstanceLook({ board, database, metrics, faults, now }),
      createShelfLook(board, database),
    ];
    return { board, follower, looks };
  };
  let auditor = audit();
  const inState = (state: VerdictState): number[] =>
    auditor.board.verdicts().flatMap((verdict) => (verdict.state === state ? [verdict.invariant] : []));

  const bench: AuditBench = {
    rows,
    outside,
    get follower() {
      return auditor.follower;
    },
    faults: { faults: 'none', healedAt: null },
    now,
    pass: async (milliseconds) => {
      clock += milliseconds;
      await rows.setClock(clock);
    },
    look: async (unknown = []) => {
      const violated = new Set<number>();
      for (let turn = 1; turn <= 5; turn += 1) {
        for (const look of auditor.looks) await look();
        for (const invariant of [...inState('holds'), ...inState('settling')])
          assert.ok(!violated.has(invariant), `${invariant} was violated and is no more, and nothing has changed`);
        for (const invariant of inState('violated')) violated.add(invariant);
        if (inState('unknown').join() === unknown.join()) return;
      }
    },
    verdict: (invariant) => auditor.board.verdicts().find((one) => one.invariant === invariant)!,
    states: () => Object.fromEntries(auditor.board.verdicts().map(({ invariant, state }) => [invariant, state])),
    acknowledge: () => void auditor.board.acknowledge(),
    fresh: async () => {
      // Ids begin with their time: the clock must not run ahead of those that are made from now on.
      clock = Date.now();
      await rows.run(`TRUNCATE ${tables} CASCADE; ${insertProduct()}; ${clockSetTo(clock)}`);
      outside.reset();
      for (const catalog of ['catalog-1', 'catalog-2']) {
        outside.metrics(catalog, ['catalog_copies_subscribed 1']);
        await outside.shows(catalog, product, rows);
      }
      outside.metrics('checkout-1', []);
      bench.faults = { faults: 'none', healedAt: null };
      auditor = audit();
    },
    order: async (state, secondsAgo = 60) => {
      const made = insertOrder(state, { secondsAgo });
      await rows.run(made.sql);
      if (state === 'Completed') outside.enter(paid(made.orderId));
      for (const catalog of ['catalog-1', 'catalog-2']) await outside.shows(catalog, product, rows);
      return made.orderId;
    },
    close: async () => {
      await http.close();
      await outside.close();
      await rows.close();
    },
  };
  await bench.fresh();
  return bench;
}
