import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anonymous, lend, refusal, world } from './support.ts';

const timeout = (): RequestInit => ({ signal: AbortSignal.timeout(30_000) });

test('a service may do what its policy allows and nothing else', async (context) => {
  const here = await world(context);
  const client = await here.service();
  const denied = { status: 403, said: 'permission denied' };
  for (const work of [
    () => client.read('database/creds/other'),
    () => client.read('database/roles/shop'),
    () => client.write('database/roles/shop', { default_ttl: 1 }),
    () => client.read('secret/data/any'),
    () => client.read('sys/mounts'),
    () => client.write('sys/seal', {}),
    () => client.write('auth/token/create', {}),
    () => client.write('sys/policies/acl/shop', { policy: '{"path":{"*":{"capabilities":["read"]}}}' }),
    () => client.read('nowhere/at/all'),
    () => anonymous(here.vault).read('database/creds/shop'),
  ]) {
    assert.deepEqual(await refusal(work()), denied);
  }
  assert.equal((await fetch(`${here.vault.address}/v1/sys/mounts`, timeout())).status, 403);
});

test('policies: a star ends a path, a plus is one segment, the most specific path decides, deny wins', async (context) => {
  const { vault } = await world(context);
  const { root } = vault;
  await root.write('sys/policies/acl/team', {
    policy: `
      # a comment
      path "secret/data/team/*" { capabilities = ["create", "read", "update"] }
      path "secret/data/team/private" { capabilities = ["deny"] }
      path "secret/data/+/shared" { capabilities = ["read"] }
    `,
  });
  const { auth } = (await root.write('auth/token/create', { policies: ['team'], ttl: '1h' })) as {
    auth: { client_token: string; lease_duration: number; policies: string[] };
  };
  assert.equal(auth.lease_duration, 3600);
  assert.deepEqual(auth.policies, ['default', 'team']);
  const client = anonymous(vault);
  client.token = auth.client_token;
  for (const path of ['team/public', 'team/private', 'other/shared', 'other/secret']) {
    await root.write(`secret/data/${path}`, { data: { path } });
  }
  await client.write('secret/data/team/public', { data: { path: 'changed' } });
  assert.equal((await client.read('secret/data/team/public')).data.data.path, 'changed');
  assert.equal((await client.read('secret/data/other/shared')).data.data.path, 'other/shared');
  for (const path of ['team/private', 'other/secret', 'other/deeper/shared']) {
    assert.equal((await refusal(client.read(`secret/data/${path}`))).status, 403, path);
  }
  assert.equal((await refusal(client.delete('secret/data/team/public'))).status, 403);
});

test('sealed, everything but health and unsealing is refused, and nothing expires meanwhile', async (context) => {
  const here = await world(context);
  const { root, address, rootToken } = here.vault;
  const client = await here.service();
  await root.write('sys/seal', {});
  const sealed = { status: 503, said: 'Vault is sealed' };
  assert.deepEqual(await refusal(client.read('database/creds/shop')), sealed);
  assert.deepEqual(await refusal(root.read('sys/mounts')), sealed);
  assert.deepEqual(await refusal(here.service()), sealed);
  assert.equal((await fetch(`${address}/v1/sys/health`, timeout())).status, 503);
  assert.equal((await fetch(`${address}/v1/sys/health?sealedcode=299`, timeout())).status, 299);
  assert.equal((await refusal(root.write('sys/unseal', { key: 'wrong key' }))).status, 400);
  const status = (await root.write('sys/unseal', { key: rootToken })) as { sealed: boolean };
  assert.equal(status.sealed, false);
  assert.equal((await fetch(`${address}/v1/sys/health`, timeout())).status, 200);
  assert.equal((await lend(client)).seconds, 600);
});

test('health shows a standby and one that is not initialised', async (context) => {
  const { vault } = await world(context);
  const status = async (query = ''): Promise<number> =>
    (await fetch(`${vault.address}/v1/sys/health${query}`, timeout())).status;
  vault.standIn.mode('standby');
  assert.deepEqual(
    [await status(), await status('?standbyok=true'), await status('?standbycode=210')],
    [429, 200, 210],
  );
  vault.standIn.mode('uninitialised');
  assert.equal(await status(), 501);
  assert.equal((await refusal(vault.root.read('sys/mounts'))).status, 503);
  vault.standIn.mode('active');
  assert.equal(await status(), 200);
  assert.equal((await fetch(`${vault.address}/v1/sys/health`, { method: 'HEAD', ...timeout() })).status, 200);
});

test('held back, it answers nobody until it is let go, and then everybody', async (context) => {
  const { vault } = await world(context);
  const own = async (path: string, init: RequestInit = {}): Promise<Response> =>
    await fetch(`${vault.address}/_stand-in/${path}`, {
      headers: { 'x-vault-token': vault.rootToken, 'content-type': 'application/json' },
      ...init,
      ...timeout(),
    });
  assert.equal((await own('hang', { method: 'PUT', body: '{"milliseconds":60000}' })).status, 204);
  await assert.rejects(fetch(`${vault.address}/v1/sys/health`, { signal: AbortSignal.timeout(200) }), /timeout/);
  const waiting = fetch(`${vault.address}/v1/sys/health`, timeout());
  assert.deepEqual(await (await own('leases')).json(), []);
  assert.equal((await own('hang', { method: 'PUT', body: '{"milliseconds":0}' })).status, 204);
  assert.equal((await waiting).status, 200);
  assert.equal((await own('leases', { headers: {} })).status, 403);
  assert.equal((await own('hang', { method: 'PUT', body: '{"milliseconds":-1}' })).status, 400);
});

test('logging in needs both ids, as they were given', async (context) => {
  const { vault } = await world(context);
  const login = async (body: object): Promise<unknown> => await anonymous(vault).write('auth/approle/login', body);
  const wrong = { status: 400, said: 'invalid role or secret ID' };
  const { roleId: role_id, secretId: secret_id } = vault;
  assert.deepEqual(await refusal(login({ role_id, secret_id: 'no' })), wrong);
  assert.deepEqual(await refusal(login({ role_id: 'no', secret_id })), wrong);
  assert.deepEqual(await refusal(login({ role_id })), wrong);
  assert.equal((await refusal(login({}))).status, 400);
  await vault.root.write('auth/approle/role/shop', { secret_id_num_uses: 1 });
  const { data } = (await vault.root.write('auth/approle/role/shop/secret-id', {})) as { data: { secret_id: string } };
  await login({ role_id, secret_id: data.secret_id });
  assert.deepEqual(await refusal(login({ role_id, secret_id: data.secret_id })), wrong);
  await login({ role_id, secret_id });
});

test('a token can be looked up and renewed by itself', async (context) => {
  const here = await world(context, { tokenSeconds: 100 });
  const client = await here.service();
  const { data } = (await client.tokenLookupSelf()) as { data: Record<string, unknown> };
  assert.deepEqual(data['policies'], ['default', 'shop']);
  assert.equal(data['display_name'], 'approle');
  assert.ok(Number(data['ttl']) > 50 && Number(data['ttl']) <= 100);
  const renewed = (await client.tokenRenewSelf({ increment: 500 })) as {
    auth: { client_token: string; lease_duration: number; renewable: boolean };
  };
  assert.deepEqual([renewed.auth.client_token, renewed.auth.renewable], [client.token, true]);
  assert.equal(renewed.auth.lease_duration, 500);
});

test('what cannot be is refused with Vault’s own status and sentence', async (context) => {
  const { vault } = await world(context);
  const { root } = vault;
  const refusals: [() => Promise<unknown>, number, RegExp][] = [
    [() => root.read('database/creds/unknown'), 400, /^unknown role: unknown$/],
    [() => root.write('sys/leases/renew', { lease_id: 'database/creds/shop/x' }), 400, /^lease not found$/],
    [() => root.write('sys/leases/renew', { lease_id: 'constructor' }), 400, /^lease not found$/],
    [() => root.write('sys/leases/lookup', { lease_id: '__proto__' }), 400, /^invalid lease$/],
    [() => root.write('sys/leases/renew', {}), 400, /lease_id/],
    [() => root.write('sys/mounts/database', { type: 'database' }), 400, /already in use/],
    [() => root.write('sys/mounts/other', { type: 'aws' }), 400, /not found in the catalog/],
    [() => root.write('sys/policies/acl/x', { policy: 'path "a" { capabilities = ["fly"] }' }), 400, /fly/],
    [() => root.write('sys/policies/acl/x', { policy: 'nonsense' }), 400, /failed to parse policy/],
    [() => root.write('database/roles/x', { db_name: 'ballast', default_ttl: 'soon' }), 400, /duration "soon"/],
    [() => root.write('database/roles/x', { db_name: 'ballast', creation_statements: 5 }), 400, /creation_statements/],
    [() => root.read('database/roles/nothing'), 404, /^Status 404$/],
    [() => root.read('auth/approle/role/nothing/role-id'), 404, /^Status 404$/],
    [() => root.read('nowhere/at/all'), 404, /no handler for route/],
    [() => root.read('sys/nothing'), 404, /^Status 404$/],
    [() => root.delete('sys/seal-status'), 405, /unsupported operation/],
  ];
  for (const [work, status, said] of refusals) {
    const refused = await refusal(work());
    assert.equal(refused.status, status, refused.said);
    assert.match(refused.said, said);
  }
  const send = async (body: string): Promise<number> => {
    const headers = { 'x-vault-token': vault.rootToken };
    return (await fetch(`${vault.address}/v1/sys/leases/lookup`, { method: 'POST', body, headers, ...timeout() }))
      .status;
  };
  assert.equal(await send('{'), 400);
  assert.equal(await send('[]'), 400);
  assert.equal(await send('null'), 400);
  assert.equal(await send(`{"lease_id":"${'x'.repeat(2 << 20)}"}`), 413);
  assert.equal((await fetch(`${vault.address}/v1/%zz`, timeout())).status, 400);
  assert.equal((await fetch(`${vault.address}/elsewhere`, timeout())).status, 404);
});

test('a connection that cannot be made is refused when it is configured', async (context) => {
  const { vault } = await world(context);
  const { status, said } = await refusal(
    vault.root.write('database/config/bad', {
      plugin_name: 'postgresql-database-plugin',
      connection_url: 'postgresql://{{username}}:{{password}}@127.0.0.1:9/x?sslmode=disable',
      username: 'a',
      password: 'hidden',
    }),
  );
  assert.equal(status, 400);
  assert.match(said, /error verifying/);
  assert.doesNotMatch(said, /hidden/);
});

test('a role that is not allowed on its connection gets nothing', async (context) => {
  const { vault } = await world(context);
  await vault.root.write('database/roles/stray', { db_name: 'ballast', creation_statements: ['SELECT 1'] });
  const { status, said } = await refusal(vault.root.read('database/creds/stray'));
  assert.equal(status, 500);
  assert.match(said, /"stray" is not an allowed role/);
});
