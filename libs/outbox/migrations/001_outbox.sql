-- Up Migration

-- Messages whose effect is already in this schema. One row per message and consumer.
CREATE TABLE inbox (
  message_id uuid NOT NULL,
  consumer text NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (message_id, consumer)
);
CREATE INDEX inbox_received_at ON inbox USING brin (received_at);

-- Messages this schema has yet to tell. A row leaves only after the broker's confirm.
CREATE TABLE outbox (
  -- Order of telling, within an aggregate.
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  message_id uuid NOT NULL,
  aggregate_id uuid NOT NULL,
  message jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- Until then some relay is busy with the row; afterwards any relay may take it.
  leased_until timestamptz NOT NULL
);
CREATE INDEX outbox_aggregate ON outbox (aggregate_id, id);

-- The table stays short and is rewritten all the time: vacuum by count, not by share.
ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- Down Migration

DROP TABLE outbox;
DROP TABLE inbox;
