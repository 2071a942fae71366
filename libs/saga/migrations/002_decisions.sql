-- Up Migration

-- What a person decided, and who: {"by": user id, "note": text}. Null for every transition that nobody decided.
ALTER TABLE saga_transitions ADD COLUMN decision jsonb;

-- Down Migration

ALTER TABLE saga_transitions DROP COLUMN decision;
