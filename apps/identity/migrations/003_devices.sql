-- Up Migration

-- A device, from its first token on. Its name is for good: one that was ended does not come back.
CREATE TABLE devices (
  device_id text COLLATE "C" PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz
);

-- Tokens that devices hold, remembered until they expire so that they can be revoked; what they are is not kept.
CREATE TABLE device_tokens (
  -- The token's `jti`.
  token_id uuid PRIMARY KEY,
  device_id text COLLATE "C" NOT NULL REFERENCES devices,
  issued_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz
);
CREATE INDEX device_tokens_outstanding ON device_tokens (device_id, expires_at) WHERE revoked_at IS NULL;
CREATE INDEX device_tokens_expiry ON device_tokens (expires_at);

-- Down Migration

DROP TABLE device_tokens;
DROP TABLE devices;
