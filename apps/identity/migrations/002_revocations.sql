-- Up Migration

-- What no service may accept any more: sessions that were ended, or single tokens. Kept until it would have expired.
CREATE TABLE revocations (
  -- Place in the list that services read on from; see number_revocation.
  seq bigint PRIMARY KEY,
  -- A session (`sid`) or a token (`jti`).
  id uuid NOT NULL,
  revoked_at timestamptz NOT NULL DEFAULT now(),
  -- When the last token it concerns has expired.
  expires_at timestamptz NOT NULL
);
CREATE INDEX revocations_expiry ON revocations (expires_at);

CREATE SEQUENCE revocations_seq OWNED BY revocations.seq;

-- Numbers are given in the order of commits: the lock is held until the transaction has ended, so whoever has read up to
-- a number has missed none below it. A default would draw the number before the lock.
CREATE FUNCTION number_revocation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('ballast.identity.revocations'));
  NEW.seq := nextval('revocations_seq');
  RETURN NEW;
END
$$;

CREATE TRIGGER revocations_number BEFORE INSERT ON revocations
  FOR EACH ROW EXECUTE FUNCTION number_revocation();

-- Down Migration

DROP TABLE revocations;
DROP FUNCTION number_revocation;
