-- Up Migration

-- How often the claim was granted again after a refund was refused; part of the next try's idempotency key.
ALTER TABLE claims ADD COLUMN refund_retry integer NOT NULL DEFAULT 0 CHECK (refund_retry BETWEEN 0 AND 1000);

-- Down Migration

ALTER TABLE claims DROP COLUMN refund_retry;
