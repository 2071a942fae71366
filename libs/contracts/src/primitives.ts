/** Ids, money and times as they cross every boundary. */
import { Type, type Static } from 'typebox';

/** A UUID in its canonical lower- or upper-case text form. Ids made by Ballast are UUIDv7 (RFC 9562). */
export const Uuid = Type.String({ format: 'uuid' });

/** RFC 3339 instant in UTC, e.g. `2026-11-21T09:12:23.123Z`. */
export const Timestamp = Type.String({ format: 'date-time' });

/** ISO 4217 code, upper case. */
export const Currency = Type.String({ pattern: '^[A-Z]{3}$' });

/** An amount in the currency's minor unit (cents), never a fraction. */
export const MinorUnits = Type.Integer({ minimum: 0, maximum: 1_000_000_000_000 });

/** Money: integer minor units with an ISO 4217 currency. */
export const Money = Type.Object({ amount: MinorUnits, currency: Currency }, { additionalProperties: false });
export type Money = Static<typeof Money>;
