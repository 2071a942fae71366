/** Accounts, sessions and tokens. */
import { Type, type Static } from 'typebox';
import { deviceTokenLimit, DeviceId } from './devices.ts';
import { Timestamp, Uuid } from './primitives.ts';

export const roles = ['customer', 'operator'] as const;
export type Role = (typeof roles)[number];

/** Address and password of a person. The password's length is counted in UTF-16 units. */
export const Credentials = Type.Object(
  {
    email: Type.String({ format: 'email', maxLength: 254 }),
    password: Type.String({ minLength: 10, maxLength: 200 }),
  },
  { additionalProperties: false },
);
export type Credentials = Static<typeof Credentials>;

export const User = Type.Object({
  userId: Uuid,
  email: Type.String(),
  roles: Type.Array(Type.Enum([...roles])),
});
export type User = Static<typeof User>;

/** What `POST /login` and `/refresh` on identity answer. `expiresIn` is in seconds. */
export const TokenPair = Type.Object({
  accessToken: Type.String(),
  refreshToken: Type.String(),
  expiresIn: Type.Integer({ minimum: 1 }),
  user: User,
});
export type TokenPair = Static<typeof TokenPair>;

export const RefreshRequest = Type.Object(
  { refreshToken: Type.String({ minLength: 1, maxLength: 4096 }) },
  { additionalProperties: false },
);

/** `GET /api/session`. */
export const Session = Type.Object({
  user: Type.Union([User, Type.Null()]),
  csrfToken: Type.String(),
});
export type Session = Static<typeof Session>;

/** Claims of an access token (`typ: at+jwt`, RFC 9068). Times are seconds since the epoch. */
export const AccessClaims = Type.Object({
  iss: Type.String(),
  aud: Type.Union([Type.String(), Type.Array(Type.String())]),
  sub: Uuid,
  jti: Type.String(),
  /** The session the token belongs to; ending it revokes every token of it. */
  sid: Type.Optional(Uuid),
  iat: Type.Integer(),
  exp: Type.Integer(),
  email: Type.String(),
  roles: Type.Array(Type.Enum([...roles])),
});
export type AccessClaims = Static<typeof AccessClaims>;

/** Audience of access tokens. */
export const accessAudience = 'ballast';

export const RegisterResponse = Type.Object({ user: User });
export const LoginResponse = Type.Object({ user: User });

/**
 * `GET /revocations?after=<cursor>` on identity: what was revoked since, oldest first, and where to go on. With `wait=1`
 * it answers as soon as there is something, at the latest after a second, so that whoever asks knows that nothing was
 * revoked until then.
 */
export const Revocations = Type.Object({
  items: Type.Array(
    Type.Object({
      /** Of a token (`jti`) or of a whole session (`sid`). */
      id: Uuid,
      /** From then on it need not be remembered: what it revokes has expired. Seconds since the epoch. */
      until: Type.Integer({ minimum: 0 }),
    }),
  ),
  /** Opaque; hand it back as `after`. */
  cursor: Type.String({ maxLength: 40 }),
  /** There is more right now. */
  more: Type.Boolean(),
});
export type Revocations = Static<typeof Revocations>;
export const RevocationQuery = Type.Object(
  {
    after: Type.Optional(Type.String({ pattern: '^[0-9]{1,18}$' })),
    wait: Type.Optional(Type.Enum(['0', '1'], { default: '0' })),
  },
  { additionalProperties: false },
);

/** `POST /devices` on identity. Without `deviceId` the device is given a name; without `expiresInSeconds` its token lives a day. */
export const DeviceTokenRequest = Type.Object(
  {
    deviceId: Type.Optional(DeviceId),
    expiresInSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 31_536_000 })),
  },
  { additionalProperties: false },
);
export type DeviceTokenRequest = Static<typeof DeviceTokenRequest>;

/** A device's token. `tokenId` is its `jti`, by which it can be revoked. */
export const DeviceToken = Type.Object({
  deviceId: DeviceId,
  token: Type.String({ maxLength: deviceTokenLimit }),
  tokenId: Uuid,
  expiresAt: Timestamp,
});
export type DeviceToken = Static<typeof DeviceToken>;

/** `GET /devices` on identity: in the order of their ids. A device that was ended gets no more tokens. */
export const Devices = Type.Object({
  items: Type.Array(
    Type.Object({ deviceId: DeviceId, createdAt: Timestamp, endedAt: Type.Union([Timestamp, Type.Null()]) }),
  ),
  nextCursor: Type.Union([Type.String(), Type.Null()]),
});
export type Devices = Static<typeof Devices>;
export const DeviceQuery = Type.Object(
  {
    cursor: Type.Optional(Type.String({ maxLength: 100 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50 })),
  },
  { additionalProperties: false },
);

/** In which one way a token that identity has truly signed is wrong: the reasons a gateway refuses it for. */
export const oddTokenKinds = [
  'expired',
  'not_yet_valid',
  'wrong_issuer',
  'wrong_audience',
  'wrong_type',
  'missing_claim',
] as const;
export type OddTokenKind = (typeof oddTokenKinds)[number];

/** `POST /lab/devices/odd-tokens` on identity, lab only. The device need not be registered. */
export const OddTokenRequest = Type.Object(
  { deviceId: DeviceId, kind: Type.Enum([...oddTokenKinds]) },
  { additionalProperties: false },
);
export const OddToken = Type.Object({ token: Type.String({ maxLength: deviceTokenLimit }) });
