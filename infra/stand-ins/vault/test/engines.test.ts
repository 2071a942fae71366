import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { test } from 'node:test';
import { refusal, world } from './support.ts';

test('kv keeps versions, refuses a stale write and lists what is below', async (context) => {
  const { root } = (await world(context)).vault;
  await root.write('secret/data/app/one', { data: { colour: 'red' } });
  await root.write('secret/data/app/one', { data: { colour: 'blue' }, options: { cas: 1 } });
  assert.equal((await refusal(root.write('secret/data/app/one', { data: {}, options: { cas: 1 } }))).status, 400);
  await root.write('secret/data/app/deep/two', { data: {} });
  const { data } = (await root.read('secret/data/app/one')) as {
    data: { data: unknown; metadata: { version: number } };
  };
  assert.deepEqual([data.data, data.metadata.version], [{ colour: 'blue' }, 2]);
  const first = await fetch(`${root.endpoint}/v1/secret/data/app/one?version=1`, {
    headers: { authorization: `Bearer ${root.token}` },
    signal: AbortSignal.timeout(30_000),
  });
  assert.deepEqual(((await first.json()) as { data: { data: unknown } }).data.data, { colour: 'red' });
  assert.deepEqual((await root.list('secret/metadata/app')).data.keys, ['deep/', 'one']);
  await root.delete('secret/data/app/one');
  assert.equal((await refusal(root.read('secret/data/app/one'))).status, 404);
  assert.equal((await refusal(root.read('secret/data/app/none'))).status, 404);
});

test('transit signs with a key that never leaves, and tells true from false', async (context) => {
  const { root } = (await world(context)).vault;
  await root.write('sys/mounts/transit', { type: 'transit' });
  const message = Buffer.from('to be signed');
  const input = message.toString('base64');
  for (const type of ['ed25519', 'ecdsa-p256']) {
    await root.write(`transit/keys/${type}`, { type });
    const { signature } = (await root.write(`transit/sign/${type}`, { input })).data as { signature: string };
    assert.match(signature, /^vault:v1:/);
    await root.write(`transit/keys/${type}/rotate`, {});
    const valid = async (changed: object): Promise<boolean> =>
      (await root.write(`transit/verify/${type}`, { input, signature, ...changed })).data.valid as boolean;
    assert.equal(await valid({}), true);
    assert.equal(await valid({ input: Buffer.from('something else').toString('base64') }), false);
    assert.equal(await valid({ signature: signature.replace(':v1:', ':v2:') }), false);
    const again = (await root.write(`transit/sign/${type}`, { input })).data as { signature: string };
    assert.match(again.signature, /^vault:v2:/);
  }
  const { data } = (await root.read('transit/keys/ecdsa-p256')) as {
    data: { latest_version: number; keys: Record<string, { public_key: string }> };
  };
  assert.equal(data.latest_version, 2);
  const { signature } = (await root.write('transit/sign/ecdsa-p256', { input, marshaling_algorithm: 'jws' })).data as {
    signature: string;
  };
  const raw = Buffer.from(signature.slice('vault:v2:'.length), 'base64url');
  const key = createPublicKey(data.keys['2']?.public_key ?? '');
  assert.ok(verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, raw));
  assert.equal((await refusal(root.write('transit/sign/ed25519', { input: '***' }))).status, 400);
  assert.equal((await refusal(root.write('transit/keys/other', { type: 'rsa-2048' }))).status, 400);
});
