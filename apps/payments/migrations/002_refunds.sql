-- Up Migration

ALTER TABLE payments
  -- The claim the money is given back for.
  ADD COLUMN claim_id uuid,
  -- How often an operator had a refused refund tried again; part of the next try's idempotency key.
  ADD COLUMN retry integer NOT NULL DEFAULT 0 CHECK (retry >= 0),
  DROP CONSTRAINT payments_wanted_check,
  -- `refunded`: given back for a claim, while the order stays completed.
  ADD CONSTRAINT payments_wanted_check
    CHECK (wanted IN ('nothing', 'authorized', 'captured', 'cancelled', 'refunded')),
  ADD CONSTRAINT payments_refunded_for_claim CHECK (wanted <> 'refunded' OR claim_id IS NOT NULL);

-- Down Migration

UPDATE payments SET wanted = 'captured' WHERE wanted = 'refunded';
ALTER TABLE payments
  DROP CONSTRAINT payments_refunded_for_claim,
  DROP CONSTRAINT payments_wanted_check,
  ADD CONSTRAINT payments_wanted_check CHECK (wanted IN ('nothing', 'authorized', 'captured', 'cancelled')),
  DROP COLUMN retry,
  DROP COLUMN claim_id;
