-- Up Migration

CREATE TABLE users (
  user_id uuid PRIMARY KEY,
  -- Normalised (lower case, NFC), so that equality is what people mean by "the same address".
  email text NOT NULL CONSTRAINT users_email_unique UNIQUE,
  -- PHC string: algorithm, parameters, salt and hash in one.
  password_hash text NOT NULL,
  roles text[] NOT NULL CHECK (roles <@ ARRAY['customer', 'operator'] AND cardinality(roles) > 0),
  created_at timestamptz NOT NULL DEFAULT now()
);

-- One row per sign-in: the chain of refresh tokens that came from it. Its id is the `sid` of its access tokens.
CREATE TABLE refresh_families (
  family_id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- When its newest token expires; each rotation moves it on.
  expires_at timestamptz NOT NULL,
  -- Set by a sign-out or by the reuse of a token; an ended family never comes back.
  ended_at timestamptz
);
CREATE INDEX refresh_families_user ON refresh_families (user_id);
CREATE INDEX refresh_families_expiry ON refresh_families (expires_at);

-- Tokens are random 256-bit values of which only the SHA-256 is kept.
CREATE TABLE refresh_tokens (
  token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
  family_id uuid NOT NULL REFERENCES refresh_families ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- Set once, when it is exchanged for its successor.
  used_at timestamptz
);
CREATE INDEX refresh_tokens_family ON refresh_tokens (family_id);
CREATE INDEX refresh_tokens_used ON refresh_tokens (used_at) WHERE used_at IS NOT NULL;
-- A family has one live token, whatever the code does.
CREATE UNIQUE INDEX refresh_tokens_one_live ON refresh_tokens (family_id) WHERE used_at IS NULL;

-- Several keys may be published, one of them signs.
CREATE TABLE signing_keys (
  -- RFC 7638 thumbprint of the public key.
  key_id text PRIMARY KEY,
  algorithm text NOT NULL CHECK (algorithm = 'ES256'),
  -- JWK, as published.
  public_key jsonb NOT NULL,
  -- The private JWK, sealed: see src/domain/sealing.ts.
  sealed_private_key bytea NOT NULL,
  active boolean NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX signing_keys_one_active ON signing_keys (active) WHERE active;

-- Down Migration

DROP TABLE signing_keys;
DROP TABLE refresh_tokens;
DROP TABLE refresh_families;
DROP TABLE users;
