-- Up Migration

-- What was ordered, as it was when it was ordered. Where it stands is in `sagas`, under the same id.
CREATE TABLE orders (
  order_id uuid PRIMARY KEY,
  user_id uuid NOT NULL,
  -- One order per key and caller; the same key with another request is refused by its fingerprint.
  idempotency_key text NOT NULL,
  fingerprint text NOT NULL,
  lines jsonb NOT NULL,
  total_amount bigint NOT NULL CHECK (total_amount >= 0),
  currency text NOT NULL,
  provider text NOT NULL,
  method text NOT NULL,
  placed_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (user_id, idempotency_key)
);
-- Ids are UUIDv7: their order is the order of placing.
CREATE INDEX orders_by_user ON orders (user_id, order_id DESC);

-- Down Migration

DROP TABLE orders;
