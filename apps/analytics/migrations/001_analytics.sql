-- Up Migration

-- One row per process of a gateway: how far its reports have come.
CREATE TABLE epochs (
  epoch uuid PRIMARY KEY,
  gateway text NOT NULL,
  -- The largest that was heard of, and what that report said of the moment.
  seq bigint NOT NULL,
  connections bigint NOT NULL,
  sessions bigint NOT NULL,
  -- Its last report was heard.
  ended boolean NOT NULL,
  -- By the clock of this database.
  heard_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX epochs_heard ON epochs (heard_at);
CREATE INDEX epochs_gateway ON epochs (gateway, epoch);

-- What a process has counted since its start: the largest number heard of. Rows go with their epoch; no foreign key,
-- because both are always written together and the check would cost a look-up per counter.
CREATE TABLE epoch_counts (
  epoch uuid NOT NULL,
  name text NOT NULL,
  -- Reason, outcome or gateway, by name; '' where there is none.
  label text NOT NULL,
  -- Of rejections; '' otherwise.
  device text NOT NULL,
  count bigint NOT NULL CHECK (count >= 0),
  PRIMARY KEY (epoch, name, label, device)
);

-- The sums of all processes whose own rows were folded into it.
CREATE TABLE base_counts (
  name text NOT NULL,
  label text NOT NULL,
  device text NOT NULL,
  count bigint NOT NULL CHECK (count >= 0),
  PRIMARY KEY (name, label, device)
);

-- Processes whose rows were folded: what is still heard of them must not count again.
CREATE TABLE folded_epochs (
  epoch uuid PRIMARY KEY,
  folded_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX folded_epochs_age ON folded_epochs (folded_at);

-- Which gateways, and which devices under which reason, have a series of their own. Decided once, for good.
CREATE TABLE named_series (
  kind text NOT NULL CHECK (kind IN ('gateway', 'failure')),
  -- A rejection's; '' for gateways.
  reason text NOT NULL,
  -- A gateway's or a device's.
  name text NOT NULL,
  PRIMARY KEY (kind, reason, name)
);

-- The audit trail.
CREATE TABLE device_events (
  id uuid PRIMARY KEY,
  kind text NOT NULL,
  at timestamptz NOT NULL,
  -- Verified; null where no token was truly signed for a device.
  device_id text COLLATE "C",
  -- What an unverified token claimed. Whoever wrote it is a stranger.
  claimed_id text COLLATE "C",
  session_id uuid,
  remote_address text NOT NULL,
  reason text COLLATE "C",
  gateway text NOT NULL,
  epoch uuid NOT NULL
);
CREATE INDEX device_events_at ON device_events (at, id);
CREATE INDEX device_events_kind ON device_events (kind, at, id);
CREATE INDEX device_events_device ON device_events (device_id, at, id) WHERE device_id IS NOT NULL;
CREATE INDEX device_events_claimed ON device_events (claimed_id, at, id) WHERE claimed_id IS NOT NULL;
CREATE INDEX device_events_reason ON device_events (reason, at, id) WHERE reason IS NOT NULL;

-- The latest telemetry frame of each device.
CREATE TABLE device_latest (
  device_id text COLLATE "C" PRIMARY KEY,
  session_id uuid NOT NULL,
  gateway text NOT NULL,
  received_at timestamptz NOT NULL,
  -- As the device said it.
  sent_at text NOT NULL,
  readings jsonb NOT NULL
);
CREATE INDEX device_latest_age ON device_latest (received_at);

-- Down Migration

DROP TABLE device_latest;
DROP TABLE device_events;
DROP TABLE named_series;
DROP TABLE folded_epochs;
DROP TABLE base_counts;
DROP TABLE epoch_counts;
DROP TABLE epochs;
