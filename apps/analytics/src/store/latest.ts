/** The latest telemetry frame of each device in PostgreSQL. */
import type { DeviceTelemetry } from '@ballast/contracts';
import type { Queryable } from '@ballast/postgres';

/** A frame and the gateway that received it. Its texts can be stored. */
export type Frame = DeviceTelemetry['items'][number] & { gateway: string };

const keepLatest = {
  name: 'keep-latest',
  text: `
    INSERT INTO device_latest AS l (device_id, session_id, gateway, received_at, sent_at, readings)
    SELECT device_id, session_id, gateway, received_at, sent_at, readings::jsonb
      FROM unnest($1::text[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[], $6::text[])
           AS given(device_id, session_id, gateway, received_at, sent_at, readings)
     ORDER BY device_id
    ON CONFLICT (device_id) DO UPDATE
       SET session_id = EXCLUDED.session_id, gateway = EXCLUDED.gateway, received_at = EXCLUDED.received_at,
           sent_at = EXCLUDED.sent_at, readings = EXCLUDED.readings
     WHERE EXCLUDED.received_at > l.received_at`,
};

/** Keeps, of each device, the frame that was received last, be it one of these or the one that is there. */
export async function keepLatestFrames(database: Queryable, frames: readonly Frame[]): Promise<void> {
  const latest = new Map<string, Frame>();
  for (const frame of frames) {
    const known = latest.get(frame.deviceId);
    // Of two of the same instant the later in order was received later.
    if (known === undefined || Date.parse(frame.receivedAt) >= Date.parse(known.receivedAt))
      latest.set(frame.deviceId, frame);
  }
  const kept = [...latest.values()];
  await database.query(keepLatest, [
    kept.map(({ deviceId }) => deviceId),
    kept.map(({ sessionId }) => sessionId),
    kept.map(({ gateway }) => gateway),
    kept.map(({ receivedAt }) => receivedAt),
    kept.map(({ sentAt }) => sentAt),
    kept.map(({ readings }) => JSON.stringify(readings)),
  ]);
}

const findLatest = {
  name: 'find-latest',
  text: `SELECT device_id, session_id, gateway, received_at, sent_at, readings FROM device_latest WHERE device_id = $1`,
};

/** A device's latest frame; null where none is kept. */
export async function findLatestFrame(database: Queryable, deviceId: string): Promise<Frame | null> {
  const [row] = await database.query<{
    device_id: string;
    session_id: string;
    gateway: string;
    received_at: Date;
    sent_at: string;
    readings: Frame['readings'];
  }>(findLatest, [deviceId]);
  if (row === undefined) return null;
  return {
    deviceId: row.device_id,
    sessionId: row.session_id,
    gateway: row.gateway,
    receivedAt: row.received_at.toISOString(),
    sentAt: row.sent_at,
    readings: row.readings,
  };
}

const batch = 1_000;
const deleteOld = {
  name: 'delete-old-latest',
  text: `
    DELETE FROM device_latest
     WHERE device_id IN (SELECT device_id FROM device_latest WHERE received_at < now() - make_interval(days => $1)
                          ORDER BY received_at LIMIT ${batch} FOR UPDATE SKIP LOCKED)
    RETURNING device_id`,
};

/** Forgets devices not heard of for so many days, a thousand at a time. */
export async function deleteOldFrames(database: Queryable, days: number): Promise<void> {
  while ((await database.query(deleteOld, [days])).length === batch);
}
