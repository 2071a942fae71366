-- Up Migration

-- One row per signed-in browser. Anonymous visitors have a signed cookie and no row.
CREATE TABLE sessions (
  -- SHA-256 of the id in the cookie: who reads this table cannot take a session over.
  session_hash bytea PRIMARY KEY CHECK (octet_length(session_hash) = 32),
  -- The contract's User, as identity told it at the last sign-in or refresh.
  profile jsonb NOT NULL,
  -- AES-256-GCM, bound to session_hash; see src/session/token-box.ts.
  sealed_access_token bytea NOT NULL,
  sealed_refresh_token bytea NOT NULL,
  access_expires_at timestamptz NOT NULL,
  -- From here on the access token is exchanged for a new one.
  refresh_due_at timestamptz NOT NULL,
  -- Counts the exchanges: tells the replicas whether somebody else was quicker.
  generation integer NOT NULL DEFAULT 0,
  -- Who may use the refresh token now. Using it twice would make identity end the session.
  lease_holder uuid,
  lease_until timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  -- Signed out here; the row stays until identity knows as well.
  ended_at timestamptz
);
CREATE INDEX sessions_expiry ON sessions (expires_at);
CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;

-- Down Migration

DROP TABLE sessions;
