import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createMetrics } from '@ballast/service';
import { recordingLogger } from '@ballast/testing';
import { openDatabase, type PostgresConfig } from '../src/index.ts';
import { world } from './support.ts';

const somewhere = { POSTGRES_URL: 'postgres://me:my-password@127.0.0.1:1/shop' };
const { logger } = recordingLogger();

describe('opening a database', () => {
  it('migrates under the login it has on loan, and what it makes stays the owner’s', async (context) => {
    const { open, test } = await world(context);
    const directory = await mkdtemp(join(tmpdir(), 'ballast-migrations-'));
    await writeFile(
      join(directory, '1_things.sql'),
      '-- Up Migration\nCREATE TABLE things (id int);\n-- Down Migration\n',
    );
    const metrics = createMetrics({ service: 'test', instance: 'test-1' });
    const database = await open({ migrations: { schema: 'shop', sets: [{ name: 'things', directory }] }, metrics });
    const [row] = await database.query<{ owner: string; me: string }>(
      `SELECT tableowner AS owner, session_user AS me FROM pg_tables WHERE tablename = 'things'`,
    );
    assert.equal(row!.owner, decodeURIComponent(new URL(test.url).username));
    assert.equal(row!.me, database.credentials.status().username);
    assert.match(await metrics.registry.metrics(), /database_lease_seconds_left\{[^}]*\} (599|600|59\d\.)/);
    assert.match(await metrics.registry.metrics(), /database_credential_stages_total\{stage="activated"[^}]*\} 1/);
  });

  it('has one login for good where no Vault is named, and says so', async () => {
    const database = await openDatabase(somewhere, { applicationName: 'static', logger });
    const { source, username, expiresAt } = database.credentials.status();
    assert.deepEqual({ source, username, expiresAt }, { source: 'static', username: 'me', expiresAt: null });
    await assert.rejects(database.credentials.rotate(), /static/);
    await database.close();
  });

  it('refuses half of Vault’s settings and names what is missing', async () => {
    const config: PostgresConfig = { ...somewhere, VAULT_ADDR: 'http://127.0.0.1:1', VAULT_ROLE_ID: 'role' };
    await assert.rejects(openDatabase(config, { applicationName: 'half', logger }), {
      name: 'ConfigError',
      message: 'VAULT_SECRET_ID, VAULT_DATABASE_ROLE: not set in the environment, though VAULT_ADDR, VAULT_ROLE_ID is',
    });
  });

  for (const [what, listener, told] of [
    ['answers with something else', (_, response) => response.end('<html>a page</html>'), /documentation/],
    ['answers without an end', (_, response) => endless(response), /no answer within 2 s/],
    ['closes the connection', (request) => request.socket.destroy(), /cannot be reached/],
    [
      'repeats what it was sent',
      (request, response) => {
        request.setEncoding('utf8').on('data', (text: string) => {
          response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ errors: [text] }));
        });
      },
      /"secret_id":"…"/,
    ],
  ] as [string, RequestListener, RegExp][]) {
    it(`tells in one sentence, without a secret, that Vault ${what}`, async (context) => {
      const server = createServer(listener).listen(0, '127.0.0.1');
      await once(server, 'listening');
      context.after(() => {
        server.closeAllConnections();
        server.close();
      });
      const VAULT_ADDR = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const { logger: ownLogger, entries } = recordingLogger();
      const settings = {
        VAULT_ADDR,
        VAULT_ROLE_ID: 'my-role',
        VAULT_SECRET_ID: 'my-secret',
        VAULT_DATABASE_ROLE: 'shop',
      };
      const options = { applicationName: 'refused', logger: ownLogger, startWithinMs: 500 };
      const error = await openDatabase({ ...somewhere, ...settings }, options).catch((thrown: unknown) => thrown);
      assert.ok(error instanceof Error && error.name === 'ConfigError');
      assert.match(error.message, /^Vault at http:\S+ gave no usable database login within 0\.5 s: [^\n]+$/);
      assert.match(error.message, told);
      assert.doesNotMatch(JSON.stringify([error.message, error.cause, entries]), /my-secret|my-role|my-password/);
    });
  }
});

function endless(response: { write: (text: string) => boolean; destroyed: boolean }): void {
  const timer = setInterval(() => (response.destroyed ? clearInterval(timer) : response.write(' ')), 50);
}
