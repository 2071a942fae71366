/** `<mount>/…` of the transit engine: keys that sign and verify and never leave. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { Type } from 'typebox';
import { nothingThere, VaultError } from './answers.ts';
import { timestamp } from './durations.ts';
import { type Call, operation } from './operation.ts';
import { records, type TransitKey } from './state.ts';

const mostKeys = 100;
const mostVersions = 100;

/** How a pair of each type is made. */
const generators: Readonly<Record<string, () => KeyObject>> = {
  ed25519: () => generateKeyPairSync('ed25519').privateKey,
  'ecdsa-p256': () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
};

const Input = Type.String({ maxLength: 1_000_000 });
/** `asn1` is DER, `jws` the plain pair of numbers in base64url (RFC 7515). */
const Marshaling = Type.Optional(Type.Union([Type.Literal('asn1'), Type.Literal('jws')]));

export const transitOperations = [
  operation({
    verb: 'write',
    path: 'keys/:name',
    body: Type.Object({ type: Type.Optional(Type.String({ maxLength: 32 })) }),
    answer: async (call) => {
      const keys = keysOf(call);
      if (keys[name(call)] !== undefined) return {};
      // Vault's own default only encrypts; whoever wants to sign has to say so there too.
      const type = call.body.type ?? 'aes256-gcm96';
      if (Object.keys(keys).length >= mostKeys) throw new VaultError(400, 'too many keys');
      keys[name(call)] = { type, versions: [newVersion(type)] };
      await call.vault.store.save();
      return {};
    },
  }),
  operation({
    verb: 'read',
    path: 'keys/:name',
    answer: (call) => {
      const key = keyOf(call);
      return {
        data: {
          name: name(call),
          type: key.type,
          latest_version: key.versions.length,
          min_available_version: 0,
          min_decryption_version: 1,
          min_encryption_version: 0,
          supports_signing: true,
          exportable: false,
          deletion_allowed: false,
          keys: Object.fromEntries(key.versions.map((version, index) => [index + 1, publicPart(key.type, version)])),
        },
      };
    },
  }),
  operation({
    verb: 'list',
    path: 'keys',
    answer: (call) => {
      const keys = Object.keys(keysOf(call));
      if (keys.length === 0) throw nothingThere();
      return { data: { keys } };
    },
  }),
  operation({
    verb: 'write',
    path: 'keys/:name/rotate',
    answer: async (call) => {
      const key = keyOf(call);
      if (key.versions.length >= mostVersions) throw new VaultError(400, 'too many versions');
      key.versions.push(newVersion(key.type));
      await call.vault.store.save();
      return {};
    },
  }),
  operation({
    verb: 'write',
    path: 'sign/:name',
    body: Type.Object({ input: Input, marshaling_algorithm: Marshaling }),
    answer: (call) => {
      const key = keyOf(call);
      const latest = key.versions.at(-1);
      if (latest === undefined) throw nothingThere();
      const { raw, encoding } = marshaling(key.type, call.body.marshaling_algorithm);
      const signature = sign(digestOf(key.type), bytes(call.body.input), {
        key: createPrivateKey(latest.privateKey),
        ...(raw ? { dsaEncoding: 'ieee-p1363' as const } : {}),
      });
      const version = key.versions.length;
      return { data: { key_version: version, signature: `vault:v${version}:${signature.toString(encoding)}` } };
    },
  }),
  operation({
    verb: 'write',
    path: 'verify/:name',
    body: Type.Object({ input: Input, signature: Type.String({ maxLength: 4096 }), marshaling_algorithm: Marshaling }),
    answer: (call) => {
      const key = keyOf(call);
      const [, version = '', text = ''] = /^vault:v(\d+):(.+)$/.exec(call.body.signature) ?? [];
      const kept = key.versions[Number(version) - 1];
      if (text === '') throw new VaultError(400, 'invalid signature: no prefix');
      if (kept === undefined) throw new VaultError(400, 'invalid signature: version is too new');
      const { raw, encoding } = marshaling(key.type, call.body.marshaling_algorithm);
      const valid = verify(
        digestOf(key.type),
        bytes(call.body.input),
        { key: createPublicKey(kept.privateKey), ...(raw ? { dsaEncoding: 'ieee-p1363' as const } : {}) },
        Buffer.from(text, encoding),
      );
      return { data: { valid } };
    },
  }),
];

const name = ({ parameters }: Call<unknown>): string => parameters['name'] ?? '';

const digestOf = (type: string): 'sha256' | null => (type === 'ed25519' ? null : 'sha256');

function marshaling(
  type: string,
  asked: 'asn1' | 'jws' | undefined,
): { raw: boolean; encoding: 'base64' | 'base64url' } {
  const plain = asked === 'jws';
  return { raw: plain && type !== 'ed25519', encoding: plain ? 'base64url' : 'base64' };
}

function bytes(input: string): Buffer {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(input)) throw new VaultError(400, 'unable to decode input as base64');
  return Buffer.from(input, 'base64');
}

function newVersion(type: string): TransitKey['versions'][number] {
  const generate = generators[type];
  if (generate === undefined) throw new VaultError(400, `this stand-in knows no keys of type ${type}`);
  return { privateKey: generate().export({ type: 'pkcs8', format: 'pem' }), createdAt: Date.now() };
}

/** Vault shows an Ed25519 key as its 32 bytes in base64 and an ECDSA key in PEM. */
function publicPart(type: string, { privateKey, createdAt }: TransitKey['versions'][number]) {
  const key = createPublicKey(privateKey);
  const pem = key.export({ type: 'spki', format: 'pem' });
  const raw = key.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64');
  return { creation_time: timestamp(createdAt), name: type, public_key: type === 'ed25519' ? raw : pem };
}

function keysOf({ vault, mount }: Call<unknown>): Record<string, TransitKey> {
  return (vault.store.state.transits[mount] ??= records());
}

function keyOf(call: Call<unknown>): TransitKey {
  const key = keysOf(call)[name(call)];
  if (key === undefined) throw nothingThere();
  return key;
}
