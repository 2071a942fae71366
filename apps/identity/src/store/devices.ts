/** Devices and their outstanding tokens in PostgreSQL. */
import type { Devices } from '@ballast/contracts';
import type { Database, Queryable } from '@ballast/postgres';

/** Tokens of one device that may be good at a time: so many that nobody needs them, so few that they end in one step. */
export const outstandingLimit = 1_000;

// The update that changes nothing locks the device, so that no token is remembered beside the end of its device.
const rememberToken = {
  name: 'remember-device-token',
  text: `
    WITH device AS (
      INSERT INTO devices (device_id) VALUES ($1)
      ON CONFLICT (device_id) DO UPDATE SET created_at = devices.created_at WHERE devices.ended_at IS NULL
      RETURNING device_id
    ), outstanding AS (
      SELECT count(*) AS tokens FROM device_tokens
       WHERE device_id = $1 AND revoked_at IS NULL AND expires_at > now()
    ), remembered AS (
      INSERT INTO device_tokens (token_id, device_id, expires_at)
      SELECT $2, device_id, to_timestamp($3) FROM device, outstanding WHERE tokens < ${outstandingLimit}
      RETURNING token_id
    )
    SELECT EXISTS (SELECT FROM device) AS lives, EXISTS (SELECT FROM remembered) AS remembered`,
};

const revokeToken = {
  name: 'revoke-device-token',
  text: `
    WITH revoked AS (
      UPDATE device_tokens SET revoked_at = now()
       WHERE token_id = $2 AND device_id = $1 AND revoked_at IS NULL AND expires_at > now()
      RETURNING token_id, expires_at
    ), listed AS (
      INSERT INTO revocations (id, expires_at) SELECT token_id, expires_at FROM revoked
    )
    SELECT FROM device_tokens WHERE token_id = $2 AND device_id = $1`,
};

const endDeviceStatement = {
  name: 'end-device',
  text: 'UPDATE devices SET ended_at = coalesce(ended_at, now()) WHERE device_id = $1 RETURNING device_id',
};

const revokeTokens = {
  name: 'revoke-device-tokens',
  text: `
    UPDATE device_tokens SET revoked_at = now()
     WHERE device_id = $1 AND revoked_at IS NULL AND expires_at > now()
    RETURNING token_id, expires_at`,
};

const listRevoked = {
  name: 'list-revoked-device-tokens',
  text: 'INSERT INTO revocations (id, expires_at) SELECT * FROM unnest($1::uuid[], $2::timestamptz[])',
};

const listStatement = {
  name: 'list-devices',
  text: 'SELECT device_id, created_at, ended_at FROM devices WHERE device_id > $1 ORDER BY device_id LIMIT $2',
};

/**
 * Registers a device that is new and remembers a token of it; `expiresAt` in seconds since the epoch. `ended`: the device
 * gets no more tokens. `too-many`: so many of its tokens are good that some have to be revoked first.
 */
export async function rememberDeviceToken(
  database: Queryable,
  token: { deviceId: string; tokenId: string; expiresAt: number },
): Promise<'remembered' | 'ended' | 'too-many'> {
  const [row] = await database.query<{ lives: boolean; remembered: boolean }>(rememberToken, [
    token.deviceId,
    token.tokenId,
    token.expiresAt,
  ]);
  if (row!.remembered) return 'remembered';
  return row!.lives ? 'too-many' : 'ended';
}

/** Puts a token on the list of revoked ones, once. False where the device has no such token (any more). */
export async function revokeDeviceToken(database: Queryable, deviceId: string, tokenId: string): Promise<boolean> {
  return (await database.query(revokeToken, [deviceId, tokenId])).length > 0;
}

/** Ends a device and revokes all its tokens; does nothing when it has ended already. False where there is no such device. */
export async function endDevice(database: Database, deviceId: string): Promise<boolean> {
  return database.transaction(async (transaction) => {
    // A statement of its own: what waited for the lock must see the tokens that were remembered meanwhile.
    if ((await transaction.query(endDeviceStatement, [deviceId])).length === 0) return false;
    const revoked = await transaction.query<{ token_id: string; expires_at: Date }>(revokeTokens, [deviceId]);
    if (revoked.length > 0) {
      await transaction.query(listRevoked, [
        revoked.map((token) => token.token_id),
        revoked.map((token) => token.expires_at),
      ]);
    }
    return true;
  });
}

/** Devices whose ids come after `after`, at most `limit`. */
export async function listDevices(database: Queryable, after: string, limit: number): Promise<Devices['items']> {
  const rows = await database.query<{ device_id: string; created_at: Date; ended_at: Date | null }>(listStatement, [
    after,
    limit,
  ]);
  return rows.map((row) => ({
    deviceId: row.device_id,
    createdAt: row.created_at.toISOString(),
    endedAt: row.ended_at?.toISOString() ?? null,
  }));
}
