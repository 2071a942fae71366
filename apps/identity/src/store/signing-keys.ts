/** Signing keys in PostgreSQL, private halves sealed. */
import type { Queryable } from '@ballast/postgres';
import { ConfigError } from '@ballast/service';
import type { JWK } from 'jose';
import { CannotUnseal, seal, unseal } from '../domain/sealing.ts';
import { generateSigningKey, type PublicKey } from '../domain/signing-key.ts';

const selectKeys =
  'SELECT key_id, public_key, sealed_private_key, active FROM signing_keys ORDER BY created_at, key_id';

// Replicas that start together each bring a key; the unique index on `active` lets one of them in.
const insertKey = `
  INSERT INTO signing_keys (key_id, algorithm, public_key, sealed_private_key, active)
  VALUES ($1, 'ES256', $2, $3, true)
  ON CONFLICT DO NOTHING`;

interface KeyRow {
  key_id: string;
  public_key: PublicKey;
  sealed_private_key: Buffer;
  active: boolean;
}

/** The keys a replica works with. */
export interface SigningKeys {
  /** Signs new tokens. */
  active: JWK;
  /** All that are published, the active one's public half among them. */
  published: PublicKey[];
}

/**
 * Loads the keys; makes the first one where there is none yet. Throws a `ConfigError` when `secret` is not the one
 * the active key was sealed with.
 */
export async function loadSigningKeys(database: Queryable, secret: string): Promise<SigningKeys> {
  let rows = await database.query<KeyRow>(selectKeys);
  if (!rows.some((row) => row.active)) {
    const { publicKey, privateKey } = await generateSigningKey();
    const sealed = await seal(JSON.stringify(privateKey), publicKey.kid, secret);
    await database.query(insertKey, [publicKey.kid, publicKey, sealed]);
    rows = await database.query<KeyRow>(selectKeys);
  }
  const active = rows.find((row) => row.active);
  if (active === undefined) throw new Error('no signing key is active');
  return { active: await open(active, secret), published: rows.map((row) => row.public_key) };
}

async function open(row: KeyRow, secret: string): Promise<JWK> {
  try {
    return JSON.parse(await unseal(row.sealed_private_key, row.key_id, secret)) as JWK;
  } catch (error) {
    if (!(error instanceof CannotUnseal)) throw error;
    throw new ConfigError(
      `KEY_ENCRYPTION_SECRET: is not the one that signing key ${row.key_id} in the database was sealed with; set the earlier one, or delete that row to start with a new key (access tokens of the old one stop working).`,
    );
  }
}
