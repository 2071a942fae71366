import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { LabCredentials } from '@ballast/contracts';
import { partUrl, until, type ServiceProcess } from '@ballast/testing';
import { startTestVault, type TestVault } from '@ballast/vault-stand-in/testing';
import { Value } from 'typebox/value';
import { createTestDatabase, spawnIdentity, type IdentityDatabase } from '../support.ts';

describe('identity on a login that Vault lends', () => {
  let database: IdentityDatabase;
  let vault: TestVault;
  let identity: ServiceProcess;
  let operator = '';
  let customer = '';

  before(async () => {
    database = await createTestDatabase();
    vault = await startTestVault({
      adminUrl: partUrl('POSTGRES'),
      databaseUrl: database.url,
      schema: 'identity',
      leaseSeconds: 600,
    });
    identity = await spawnIdentity(database.url, { LAB_MODE: '1', ...vault.environment });
    await identity.ready();
    operator = await signIn('operator');
    customer = await signIn('demo');
  });
  after(async () => {
    await identity.end('SIGKILL');
    await vault.close();
    await database.drop();
  });

  async function signIn(name: string): Promise<string> {
    const response = await fetch(`${identity.url}/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: `${name}@ballast.test`, password: `ballast-${name}` }),
    });
    return ((await response.json()) as { accessToken: string }).accessToken;
  }

  async function call(method: string, path: string, token: string, body?: object): Promise<Response> {
    return fetch(`${identity.url}/lab/credentials${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  async function credentials(response: Response, status: number): Promise<LabCredentials> {
    const text = await response.text();
    assert.equal(response.status, status, text);
    const answer = JSON.parse(text) as LabCredentials;
    Value.Assert(LabCredentials, answer);
    assert.ok(!text.includes(vault.secretId));
    return answer;
  }

  const current = async (): Promise<LabCredentials> => credentials(await call('GET', '', operator), 200);

  it('shows it to operators only', async () => {
    const shown = await current();
    assert.equal(shown.source, 'vault');
    assert.deepEqual(shown.vault, { address: vault.address, state: 'active (stand-in)' });
    assert.equal(shown.username, vault.standIn.leases()[0]!.username);
    assert.equal(shown.leaseSeconds, 600);
    assert.ok(Date.parse(shown.expiresAt!) > Date.now());
    assert.ok(shown.databaseRoles.find(({ name }) => name === shown.username)!.connections > 0);
    assert.equal((await call('GET', '', customer)).status, 403);
    assert.equal((await call('POST', '/rotate', customer)).status, 403);
  });

  it('takes another one while queries run: none fails, and the old one leaves the database', async () => {
    const { username: old } = await current();
    const load = { seconds: 3, perSecond: 100, longMilliseconds: 1_500 };
    const begun = await credentials(await call('POST', '/load', operator, load), 202);
    assert.equal(begun.load?.running, true);
    assert.equal((await call('POST', '/load', operator, load)).status, 409);
    await until('queries', async () => (await current()).load!.done > 20);
    await credentials(await call('POST', '/rotate', operator), 202);
    const changed = await until('the old login to leave', async () => {
      const now = await current();
      const isTold = now.stages.at(-1)?.stage === 'revoked-old';
      return isTold && !now.databaseRoles.some(({ name }) => name === old) && now;
    });
    assert.notEqual(changed.username, old);
    assert.equal(changed.rotations, 1);
    assert.deepEqual(
      changed.stages.slice(-5).map(({ stage }) => stage),
      ['started', 'credentials-fetched', 'activated', 'grace-period', 'revoked-old'],
    );
    const ended = await until('the load to end', async () => {
      const now = await current();
      return now.load?.running === false && now;
    });
    assert.equal(ended.load!.failed, 0);
    assert.ok(ended.load!.done > 150 && ended.load!.longest >= 1_500);
    assert.deepEqual(ended.pools, { active: 1, draining: 0 });
  });

  it('says so when Vault is sealed, and a rotation fails without harm', async () => {
    const { username } = await current();
    vault.standIn.seal();
    try {
      await credentials(await call('POST', '/rotate', operator), 202);
      const shown = await until('the failure to show', async () => {
        const now = await current();
        return now.stages.at(-1)?.stage === 'failed' && now;
      });
      assert.equal(shown.vault!.state, 'sealed (stand-in)');
      assert.equal(shown.stages.at(-1)!.detail, 'Vault is sealed (503)');
      assert.equal(shown.username, username);
    } finally {
      vault.standIn.unseal();
    }
  });

  it('gives it back when it is told to end', async () => {
    assert.equal(vault.standIn.leases().length, 1);
    assert.deepEqual(await identity.end('SIGTERM'), { code: 0, signal: null });
    assert.deepEqual(vault.standIn.leases(), []);
    assert.ok(!identity.lines.some((line) => line.includes(vault.secretId) || line.includes(vault.roleId)));
  });
});
