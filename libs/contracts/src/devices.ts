/**
 * Devices: what they and the TCP gateway say to each other, one JSON object a line (UTF-8, at most 64 KiB), and what
 * gateways tell the mesh about them. Nothing that a device says is believed before its token is verified.
 */
import { Type, type Static } from 'typebox';
import { Timestamp, Uuid } from './primitives.ts';

/** Bytes of a line, its end included. */
export const lineLimitBytes = 65_536;
/** Characters of a token. */
export const deviceTokenLimit = 2_048;
/** Audience of device tokens; their header says `typ: device+jwt`. */
export const deviceAudience = 'tcp-gateway';
export const deviceTokenType = 'device+jwt';

/** A device's name, as identity gave it. */
export const DeviceId = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$' });

/** Claims of a device token. `sub` is the device; times are in seconds since the epoch. */
export const DeviceClaims = Type.Object({
  iss: Type.String(),
  aud: Type.String(),
  sub: DeviceId,
  jti: Uuid,
  iat: Type.Integer(),
  nbf: Type.Optional(Type.Integer()),
  exp: Type.Integer(),
});
export type DeviceClaims = Static<typeof DeviceClaims>;

/** Why a connection is not let in. */
export const rejectionReasons = [
  'malformed',
  'too_long',
  'expired',
  'not_yet_valid',
  'bad_signature',
  'unknown_key',
  'wrong_issuer',
  'wrong_audience',
  'wrong_type',
  'missing_claim',
  'revoked',
  'auth_timeout',
  'over_capacity',
] as const;
export type RejectionReason = (typeof rejectionReasons)[number];

/** Why a session ends from the gateway's side. */
export const closingReasons = ['replaced', 'expired', 'revoked', 'idle', 'shutdown', 'protocol', 'overload'] as const;
export type ClosingReason = (typeof closingReasons)[number];

/** The first line; within five seconds of connecting. */
export const AuthFrame = Type.Object({ type: Type.Literal('auth'), token: Type.String() });
/** Readings by name: numbers, short texts, yes or no. */
export const TelemetryFrame = Type.Object({
  type: Type.Literal('telemetry'),
  sentAt: Timestamp,
  readings: Type.Record(
    Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_.-]{0,63}$' }),
    Type.Union([Type.Number(), Type.String({ maxLength: 256 }), Type.Boolean()]),
    { maxProperties: 64, additionalProperties: false },
  ),
});
export type TelemetryFrame = Static<typeof TelemetryFrame>;
export const PingFrame = Type.Object({ type: Type.Literal('ping') });
export const DeviceFrame = Type.Union([AuthFrame, TelemetryFrame, PingFrame]);
export type DeviceFrame = Static<typeof DeviceFrame>;

/** What a gateway says. `ack.count` is of the telemetry frames of this session taken so far. */
export type GatewayFrame =
  | { type: 'accepted'; sessionId: string; expiresAt: string; heartbeatSeconds: number }
  | { type: 'rejected'; reason: RejectionReason }
  | { type: 'ack'; count: number }
  | { type: 'pong' }
  | { type: 'closing'; reason: ClosingReason };

const Count = Type.Integer({ minimum: 0 });
const Instance = Type.String({ pattern: '^[a-z][a-z0-9-]{0,39}$' });

/**
 * One process of a gateway: `epoch` is made anew at each start, so that what is counted from its start on is never
 * confused with what the process before it has counted.
 */
const Gateway = { gateway: Instance, epoch: Uuid };

/**
 * Event `GatewayCounted`, about once a second and at the end: what this process has counted since its start. Every number
 * but `connections` and `sessions` only grows within an epoch, so the largest one seen is the truth, in whatever order and
 * however often reports come, and a report that is lost is made good by the next.
 */
export const GatewayCounted = Type.Object(
  {
    ...Gateway,
    /** Grows by one with each report of the epoch. */
    seq: Count,
    at: Timestamp,
    /** Sockets open now, and those of them that are let in. */
    connections: Count,
    sessions: Count,
    attempts: Count,
    accepted: Count,
    /**
     * Rejections by reason and device. The device is named only where its token was truly signed for it, and for at most a
     * hundred devices an epoch; null otherwise. The sum is all rejections.
     */
    rejected: Type.Array(
      Type.Object({
        reason: Type.Enum([...rejectionReasons]),
        deviceId: Type.Union([DeviceId, Type.Null()]),
        count: Count,
      }),
      { maxItems: 101 * rejectionReasons.length },
    ),
    /** Sessions that ended, by reason; `gone` where the device hung up by itself. */
    ended: Type.Partial(Type.Record(Type.Enum([...closingReasons, 'gone']), Count)),
    telemetry: Type.Object({ received: Count, told: Count, dropped: Count }),
    /** Of {@link DeviceEvents}: told, and dropped because the queue was full. */
    events: Type.Object({ told: Count, dropped: Count }),
    /** The last report of this epoch: it has drained and ends. */
    last: Type.Boolean(),
  },
  { additionalProperties: false },
);
export type GatewayCounted = Static<typeof GatewayCounted>;

/** Something for the audit trail. */
export const DeviceEvent = Type.Object(
  {
    /** UUIDv7; makes a repetition harmless. */
    id: Uuid,
    kind: Type.Enum(['authenticated', 'rejected', 'disposed']),
    at: Timestamp,
    /** Verified; null where no token was truly signed for a device. */
    deviceId: Type.Union([DeviceId, Type.Null()]),
    /** What the token claims to be where that is not verified, clipped; never to be believed. */
    claimedId: Type.Union([Type.String({ maxLength: 64 }), Type.Null()]),
    sessionId: Type.Union([Uuid, Type.Null()]),
    remoteAddress: Type.String({ maxLength: 64 }),
    /** A rejection's or an end's; null where a session began. */
    reason: Type.Union([Type.String({ maxLength: 40 }), Type.Null()]),
  },
  { additionalProperties: false },
);
export type DeviceEvent = Static<typeof DeviceEvent>;

/** Event `DeviceEvents`: what happened since the last one, oldest first. */
export const DeviceEvents = Type.Object(
  { ...Gateway, items: Type.Array(DeviceEvent, { minItems: 1, maxItems: 500 }) },
  { additionalProperties: false },
);
export type DeviceEvents = Static<typeof DeviceEvents>;

/** Event `DeviceTelemetry`: telemetry frames in the order they were received. */
export const DeviceTelemetry = Type.Object(
  {
    ...Gateway,
    items: Type.Array(
      Type.Object({
        deviceId: DeviceId,
        sessionId: Uuid,
        receivedAt: Timestamp,
        sentAt: Timestamp,
        readings: TelemetryFrame.properties.readings,
      }),
      { minItems: 1, maxItems: 500 },
    ),
  },
  { additionalProperties: false },
);
export type DeviceTelemetry = Static<typeof DeviceTelemetry>;

/**
 * A session's id as gateways make it: a UUIDv7 in lower case. As text these ids are in the order in which the sessions
 * began, by the clocks of the machines they began on; two that have read the same clock differ all the same.
 */
export const SessionId = Type.String({
  pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$',
});

/**
 * Event `DeviceSessions`, from a gateway's process to all others: sessions that have begun there. Which of two sessions of
 * a device is the one that stands is decided by their ids alone, the larger one, so that all who know both agree; and since
 * nothing else counts, repetition and order do not matter.
 */
export const DeviceSessions = Type.Object(
  {
    ...Gateway,
    items: Type.Array(Type.Object({ deviceId: DeviceId, sessionId: SessionId }, { additionalProperties: false }), {
      minItems: 1,
      maxItems: 500,
    }),
  },
  { additionalProperties: false },
);
export type DeviceSessions = Static<typeof DeviceSessions>;
