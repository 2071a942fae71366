/** Runs the operator's statements in PostgreSQL, as Vault's postgresql-database-plugin does. */
import pg from 'pg';
import { VaultError } from './answers.ts';
import type { DatabaseConfig } from './state.ts';

const connectTimeout = 5000;
const statementTimeout = 10_000;
const connections = 4;

/** What `{{…}}` in a statement stands for. */
export type Values = { name: string; password?: string; expiration?: Date };

export class PostgresConnections {
  readonly #pools = new Map<string, pg.Pool>();
  readonly #warn: (details: object, message: string) => void;

  constructor(warn: (details: object, message: string) => void) {
    this.#warn = warn;
  }

  /** Runs all statements in one transaction. @throws VaultError 500 with PostgreSQL's own sentence. */
  async run(config: DatabaseConfig, statements: readonly string[], values: Values): Promise<void> {
    const commands = statements.flatMap(split).map((statement) => fill(statement, values));
    const client = await this.#connect(config);
    let broken: Error | undefined;
    // A connection that the server ends while it is checked out reports it here as well as by rejecting.
    const onError = (error: Error): void => {
      broken = error;
    };
    client.on('error', onError);
    try {
      await client.query('BEGIN');
      for (const command of commands) await client.query(command);
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK').catch((failure: Error) => {
        broken = failure;
      });
      throw failed(error);
    } finally {
      client.removeListener('error', onError);
      client.release(broken);
    }
  }

  /** Sees that the server lets the administrator in. @throws VaultError 400 when it does not. */
  async verify(config: DatabaseConfig): Promise<void> {
    try {
      (await this.#connect(config)).release();
    } catch (error) {
      throw new VaultError(400, `error creating database object: error verifying - ping: ${(error as Error).message}`);
    }
  }

  async close(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map(async (pool) => await pool.end()));
  }

  async #connect(config: DatabaseConfig): Promise<pg.PoolClient> {
    const url = urlOf(config);
    let pool = this.#pools.get(url);
    if (pool === undefined) {
      pool = new pg.Pool({
        connectionString: url,
        application_name: 'vault',
        max: connections,
        connectionTimeoutMillis: connectTimeout,
        statement_timeout: statementTimeout,
        query_timeout: statementTimeout + 1000,
        idleTimeoutMillis: 5000,
        allowExitOnIdle: true,
      });
      pool.on('error', (error) => this.#warn({ error }, 'an idle connection to PostgreSQL was lost'));
      this.#pools.set(url, pool);
    }
    try {
      return await pool.connect();
    } catch (error) {
      throw failed(error);
    }
  }
}

function failed(error: unknown): VaultError {
  return new VaultError(500, `1 error occurred:\n\t* ${(error as Error).message}\n\n`);
}

/** The address with the administrator's name and password where the operator wrote `{{username}}` and `{{password}}`. */
function urlOf({ connectionUrl, username, password }: DatabaseConfig): string {
  return connectionUrl
    .replaceAll('{{username}}', encodeURIComponent(username))
    .replaceAll('{{password}}', encodeURIComponent(password));
}

/** Vault splits at semicolons unless the statement has a block with END; PostgreSQL takes those whole. */
function split(statement: string): string[] {
  const withoutLiterals = statement.replaceAll(/'[^']*'|"[^"]*"/g, '');
  if (/\sEND\b/.test(withoutLiterals)) return [statement];
  return statement
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function fill(statement: string, { name, password, expiration }: Values): string {
  return statement
    .replaceAll('{{name}}', name)
    .replaceAll('{{username}}', name)
    .replaceAll('{{password}}', password ?? '')
    .replaceAll('{{expiration}}', expiration === undefined ? '' : postgresTime(expiration));
}

/** As Vault writes it, in UTC: `2026-01-31 12:00:00+0000`. */
function postgresTime(time: Date): string {
  return `${time.toISOString().slice(0, 19).replace('T', ' ')}+0000`;
}
