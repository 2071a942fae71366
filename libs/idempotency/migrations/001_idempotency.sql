-- Up Migration

-- What was asked under a key, who is at it now, and what was answered. One row per (principal, route, key).
CREATE TABLE idempotency_keys (
  -- Whose key it is: two callers may well think of the same one.
  principal text NOT NULL,
  route text NOT NULL,
  key text NOT NULL,
  -- SHA-256 of the request: the same key with another one is refused.
  fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
  -- Who is at it, and until when it is believed to be alive. Both null once answered or given back.
  holder text,
  held_until timestamptz,
  -- The answer; null while there is none.
  status smallint,
  headers jsonb,
  body bytea,
  -- The first request; the key is forgotten some time after it.
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (principal, route, key),
  CHECK ((holder IS NULL) = (held_until IS NULL)),
  CHECK (status IS NULL OR (holder IS NULL AND headers IS NOT NULL AND body IS NOT NULL))
)
-- Every row is written twice, when it is claimed and when it is answered. No index has a column that the second write
-- changes, so with room left on its page it touches no index and leaves nothing for vacuum.
WITH (fillfactor = 50);
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);

-- Down Migration

DROP TABLE idempotency_keys;
