/** Accounts, sessions and tokens. */
import { Type, type Static } from 'typebox';
import { Uuid } from './primitives.ts';

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
