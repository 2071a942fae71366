/**
 * PostgreSQL in memory, as far as its promises go and no further: transactions are atomic; a statement sees what was
 * committed when it began (read committed) and what its own transaction has written; who wants a row that another
 * transaction has written or locked waits for the end of that one, and then sees the row as it has become; a key exists
 * once. Between the begin of a statement and its commit others go on. An answer may be lost after the commit, or come
 * late; what a process that died had sent may or may not still be carried out.
 */
import { DatabaseError } from '@ballast/postgres';
import type { Chance } from './chance.ts';
import type { Life, Timeline } from './timeline.ts';
import type { Fate, Weather } from './weather.ts';

/** Rows by key. They are never changed, only replaced. */
export class Table<Row extends object> {
  /** As committed. */
  readonly rows = new Map<string, Row>();
  /** Who has written or locked a row and has not ended yet. */
  readonly locks = new Map<string, Work>();
}

type AnyTable = Table<object>;

/** A transaction, as the server sees it. */
export class Work {
  /** `now()`: when it began. */
  readonly at: number;
  /** When it was committed; NaN: it was not. */
  committedAt = Number.NaN;
  over = false;
  waitsFor: Work | undefined;
  /** Called when it is over, in the order they came. */
  waiters: (() => void)[] | undefined;
  readonly #writes: { table: AnyTable; key: string; row: object | undefined }[] = [];
  readonly #locks: { table: AnyTable; key: string }[] = [];
  #onCommit: (() => void)[] | undefined;

  constructor(at: number) {
    this.at = at;
  }

  /** Locks a row, there or not; whoever has it is returned, and to be waited for. */
  take<Row extends object>(table: Table<Row>, key: string): Work | undefined {
    const holder = table.locks.get(key);
    if (holder === this) return undefined;
    if (holder !== undefined) return holder;
    table.locks.set(key, this);
    this.#locks.push({ table, key });
    return undefined;
  }

  /** A row as this transaction sees it now. */
  get<Row extends object>(table: Table<Row>, key: string): Row | undefined {
    for (let index = this.#writes.length - 1; index >= 0; index -= 1) {
      const write = this.#writes[index]!;
      if (write.key === key && write.table === (table as unknown as AnyTable)) return write.row as Row | undefined;
    }
    return table.rows.get(key);
  }

  /** All rows as this transaction sees them now: what a statement's snapshot is when it is asked for first. */
  all<Row extends object>(table: Table<Row>): Row[] {
    if (this.#writes.length === 0) return [...table.rows.values()];
    const own = this.#writes.filter((write) => write.table === (table as unknown as AnyTable));
    const rows = new Map(table.rows);
    for (const { key, row } of own) {
      if (row === undefined) rows.delete(key);
      else rows.set(key, row as Row);
    }
    return [...rows.values()];
  }

  /** Writes a row that this transaction has taken; undefined removes it. */
  put<Row extends object>(table: Table<Row>, key: string, row: Row | undefined): void {
    this.#writes.push({ table, key, row });
  }

  /** For those who keep books: called in the instant of the commit. */
  onCommit(work: () => void): void {
    (this.#onCommit ??= []).push(work);
  }

  commit(now: number): void {
    if (this.over) return;
    this.committedAt = now;
    for (const { table, key, row } of this.#writes) {
      if (row === undefined) table.rows.delete(key);
      else table.rows.set(key, row);
    }
    for (const work of this.#onCommit ?? []) work();
    this.#end();
  }

  rollBack(): void {
    if (!this.over) this.#end();
  }

  #end(): void {
    this.over = true;
    for (const { table, key } of this.#locks) table.locks.delete(key);
    for (const waiter of this.waiters ?? []) waiter();
  }
}

/**
 * What a statement does. It yields whoever it has to wait for.
 *
 * Generators that run many times in a world are functions of their modules or methods, called from a closure where they need
 * one, and never closures (`() => function* …`) themselves: V8 makes a hidden class for each closure of a generator that is
 * called, among the old objects, where it holds the closure, and with it all of its world, until the next full collection.
 */
export type Statement<Result> = (work: Work) => Generator<Work, Result, void>;

/** A process's side of a transaction. */
export interface OwnTransaction {
  run<Result>(statement: Statement<Result>): Promise<Result>;
  afterCommit(work: () => void): void;
}

/** The connection broke, or nothing came back in time. Whether anything was done nobody knows. */
const lost = (): DatabaseError => new DatabaseError('the connection was lost', { cause: null, retryable: true });

/** One service's database. */
export class Database {
  /** While true nobody gets through. */
  away = false;
  readonly #timeline: Timeline;
  readonly #chance: Chance;
  readonly #weather: Weather;

  constructor(timeline: Timeline, chance: Chance, weather: Weather) {
    this.#timeline = timeline;
    this.#chance = chance;
    this.#weather = weather;
  }

  /** The database as one life of a process reaches it. */
  session(life: Life): Session {
    return new Session(this, life, this.#timeline, this.#chance, this.#weather);
  }
}

export class Session {
  readonly #database: Database;
  readonly #life: Life;
  readonly #timeline: Timeline;
  readonly #chance: Chance;
  readonly #weather: Weather;
  /** Transactions whose COMMIT has not been sent. */
  readonly #open = new Set<Work>();

  constructor(database: Database, life: Life, timeline: Timeline, chance: Chance, weather: Weather) {
    this.#database = database;
    this.#life = life;
    this.#timeline = timeline;
    this.#chance = chance;
    this.#weather = weather;
    life.atEnd.push(() => {
      // The server learns of a death when it learns of it; until then the locks are held.
      for (const work of this.#open) timeline.after(chance.between(0, 2_000), null, () => work.rollBack());
    });
  }

  /** A statement that is a transaction of its own. */
  run<Result>(statement: Statement<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const fate = this.#weather.fate(this.#weather.climate.statements);
      if (fate === 'lost' || this.#database.away) return this.#answer(() => reject(lost()));
      if (fate === 'late') this.#answer(() => reject(lost()));
      this.#arrive(fate, () => {
        const work = new Work(this.#timeline.now);
        const finish = (error: unknown, result?: Result): void => {
          if (error !== null) {
            work.rollBack();
            if (fate !== 'late') this.#answer(() => reject(error));
            return;
          }
          const commit = (): void => {
            work.commit(this.#timeline.now);
            if (fate !== 'late') this.#answer(() => (fate === 'fine' ? resolve(result as Result) : reject(lost())));
          };
          if (this.#chance.hit(0.3)) this.#timeline.after(this.#weather.delay(), null, commit);
          else commit();
        };
        carryOut(work, statement(work), finish);
      });
    });
  }

  /** BEGIN … COMMIT. Rejects with whatever `body` throws, or with a lost connection, also after the commit. */
  async transaction<Result>(body: (transaction: OwnTransaction) => Promise<Result>): Promise<Result> {
    let work: Work | undefined;
    const hooks: (() => void)[] = [];
    const transaction: OwnTransaction = {
      run: (statement) =>
        new Promise((resolve, reject) => {
          const fate = this.#weather.fate(this.#weather.climate.statements / 3);
          if (fate !== 'fine' || this.#database.away) {
            // The connection is gone, and the transaction with it.
            return this.#answer(() => reject(lost()));
          }
          this.#arrive('fine', () => {
            if (work === undefined) {
              work = new Work(this.#timeline.now);
              this.#open.add(work);
              if (this.#life.ended) return work.rollBack();
            }
            carryOut(work, statement(work), (error, result) =>
              this.#answer(() => (error === null ? resolve(result!) : reject(error))),
            );
          });
        }),
      afterCommit: (hook) => void hooks.push(hook),
    };
    try {
      const result = await body(transaction);
      if (work !== undefined) await this.#commit(work);
      for (const hook of hooks) hook();
      return result;
    } catch (error) {
      const begun = work;
      if (begun !== undefined && this.#open.delete(begun))
        this.#timeline.after(this.#weather.delay(), null, () => begun.rollBack());
      throw error;
    }
  }

  #commit(work: Work): Promise<void> {
    return new Promise((resolve, reject) => {
      const fate = this.#database.away ? 'lost' : this.#weather.fate(this.#weather.climate.statements);
      if (fate === 'lost') return this.#answer(() => reject(lost()));
      this.#open.delete(work);
      if (fate === 'late') this.#answer(() => reject(lost()));
      const arrived = this.#arrive(
        fate,
        () => {
          work.commit(this.#timeline.now);
          if (fate !== 'late') this.#answer(() => (fate === 'fine' ? resolve() : reject(lost())));
        },
        () => work.rollBack(),
      );
      return arrived;
    });
  }

  /** Something gets to the server; of what was sent by a process that has died since, half. */
  #arrive(fate: Fate, run: () => void, orNot: () => void = () => {}): void {
    const evenIfDead = this.#chance.hit(0.5);
    const wait = fate === 'late' ? this.#chance.between(0, 3_000) : this.#weather.delay();
    this.#timeline.after(wait, null, () => (this.#life.ended && !evenIfDead ? orNot() : run()));
  }

  #answer(run: () => void): void {
    this.#timeline.after(this.#weather.delay(), this.#life, run);
  }
}

/** Goes on with a statement until it ends, or until whoever it waits for is over. */
function carryOut<Result>(
  work: Work,
  statement: Generator<Work, Result, void>,
  finish: (error: unknown, result?: Result) => void,
): void {
  // Rolled back while it waited: nobody is left to be answered.
  if (work.over) return;
  work.waitsFor = undefined;
  let step;
  try {
    step = statement.next();
    while (step.done !== true) {
      const holder: Work = step.value;
      if (!waitsInCircle(work, holder)) {
        work.waitsFor = holder;
        (holder.waiters ??= []).push(() => carryOut(work, statement, finish));
        return;
      }
      step = statement.throw(
        new DatabaseError('deadlock detected', { cause: null, sqlstate: '40P01', retryable: true }),
      );
    }
  } catch (error) {
    finish(error);
    return;
  }
  finish(null, step.value);
}

function waitsInCircle(work: Work, holder: Work): boolean {
  for (let other: Work | undefined = holder; other !== undefined; other = other.waitsFor)
    if (other === work) return true;
  return false;
}
