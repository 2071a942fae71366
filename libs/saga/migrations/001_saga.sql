-- Up Migration

-- One row per saga instance; the id is also the correlation id of every message that belongs to it.
CREATE TABLE sagas (
  id uuid PRIMARY KEY,
  definition text NOT NULL,
  state text NOT NULL,
  -- Counts transitions. A transition is applied only to the version it was decided on.
  version integer NOT NULL,
  -- What the saga knows of its subject; fixed at the start but for the reason it failed.
  context jsonb NOT NULL,
  -- {"owed": compensations asked for and not yet confirmed, "early": events that came before their time}
  progress jsonb NOT NULL,
  -- When the state's deadline event is raised; null in final states.
  deadline_at timestamptz,
  started_at timestamptz NOT NULL DEFAULT now(),
  moved_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sagas_deadline ON sagas (deadline_at) WHERE deadline_at IS NOT NULL;

-- Every transition ever made, in order.
CREATE TABLE saga_transitions (
  saga_id uuid NOT NULL,
  seq integer NOT NULL,
  from_state text,
  event text NOT NULL,
  to_state text NOT NULL,
  -- The message that caused it; null for the start and for deadlines.
  message_id uuid,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (saga_id, seq)
);

-- Down Migration

DROP TABLE saga_transitions;
DROP TABLE sagas;
