-- Up Migration

-- One row per order. `wanted` is what checkout has asked for, `state` what the provider is known to have done; the
-- driver brings the second to the first.
CREATE TABLE payments (
  order_id uuid PRIMARY KEY,
  -- Null while nothing but a cancellation has been asked for.
  provider text,
  method text,
  amount bigint NOT NULL DEFAULT 0 CHECK (amount >= 0),
  currency text NOT NULL DEFAULT 'XXX',
  wanted text NOT NULL DEFAULT 'nothing'
    CHECK (wanted IN ('nothing', 'authorized', 'captured', 'cancelled')),
  state text NOT NULL DEFAULT 'none'
    CHECK (state IN ('none', 'authorized', 'captured', 'voided', 'refunded', 'declined')),
  -- The provider's names for the authorisation and the capture.
  reference text,
  capture_reference text,
  captured_amount bigint,
  -- {"step", "code", "detail"}: what the provider has refused for good.
  refusal jsonb,
  -- Whether state and wanted differ in a way the driver can do something about.
  unsettled boolean NOT NULL DEFAULT false,
  attempts integer NOT NULL DEFAULT 0,
  -- Not before then is it tried again.
  due_at timestamptz NOT NULL DEFAULT now(),
  -- Until then a driver is busy with it.
  leased_until timestamptz NOT NULL DEFAULT '-infinity',
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX payments_unsettled ON payments (due_at) WHERE unsettled;

-- Every movement of money, once. Amounts in minor units.
CREATE TABLE ledger (
  order_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('authorized', 'captured', 'voided', 'refunded')),
  amount bigint NOT NULL CHECK (amount >= 0),
  currency text NOT NULL,
  -- `reply`: the provider's answer to our call; `webhook`: it told us first.
  source text NOT NULL CHECK (source IN ('reply', 'webhook')),
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (order_id, kind)
);

-- Webhook events that have had their effect.
CREATE TABLE webhook_events (
  provider text NOT NULL,
  event_id text NOT NULL,
  order_id uuid NOT NULL,
  type text NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (provider, event_id)
);

-- Down Migration

DROP TABLE webhook_events;
DROP TABLE ledger;
DROP TABLE payments;
