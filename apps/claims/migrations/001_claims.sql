-- Up Migration

-- What checkout has said about completed orders. A completed order never changes, so it is asked for once.
CREATE TABLE completed_orders (
  order_id uuid PRIMARY KEY,
  user_id uuid NOT NULL,
  total_amount bigint NOT NULL CHECK (total_amount >= 0),
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  learned_at timestamptz NOT NULL DEFAULT now()
);

-- One row per claim, and with it its idempotency key: neither is ever deleted.
-- No foreign key to completed_orders: the statement that files a claim takes it from there, nothing is removed, and the
-- check would lock the order's row for every claim.
CREATE TABLE claims (
  claim_id uuid PRIMARY KEY,
  user_id uuid NOT NULL,
  idempotency_key text NOT NULL,
  -- SHA-256 of the request: tells a replay from another request under the same key.
  fingerprint text NOT NULL,
  order_id uuid NOT NULL,
  reason text NOT NULL CHECK (reason IN ('damaged', 'not-received', 'wrong-item', 'other')),
  details text NOT NULL,
  amount bigint NOT NULL CHECK (amount >= 0),
  currency text NOT NULL,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'granted', 'refunded', 'refused', 'refund-refused')),
  created_at timestamptz NOT NULL DEFAULT now(),
  decided_at timestamptz,
  -- What the operator said about the decision.
  note text,
  -- Why the provider will not give the money back.
  refusal text,
  CONSTRAINT claims_decided CHECK ((decided_at IS NULL) = (state = 'open')),
  CONSTRAINT claims_refusal CHECK (refusal IS NULL OR state IN ('refund-refused', 'refunded')),
  -- The first writer wins here. The key comes first because it differs more than its owner does.
  CONSTRAINT claims_one_per_key UNIQUE (idempotency_key, user_id)
);
-- An order's money goes back once: also where the provider refused, a person has to act, and not a second claim.
CREATE UNIQUE INDEX claims_one_granted_per_order ON claims (order_id)
  WHERE state IN ('granted', 'refunded', 'refund-refused');
-- Ids are UUIDv7: their order is the order of filing. The user is text here so that no plan made while the table was
-- small can look up a key by going through all claims of its user.
CREATE INDEX claims_by_user ON claims ((user_id::text), claim_id DESC);
CREATE INDEX claims_by_state ON claims (state, claim_id DESC);

-- Down Migration

DROP TABLE claims;
DROP TABLE completed_orders;
