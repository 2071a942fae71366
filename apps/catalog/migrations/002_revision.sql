-- Up Migration

-- Orders the versions of one row, so that copies of it can be compared: xmin tells them apart, but wraps around and says
-- nothing of order. Microseconds since the epoch, and always more than before (a hybrid logical clock), so that copies
-- made of an earlier database with the same products are older, too.
ALTER TABLE products ADD COLUMN revision bigint NOT NULL DEFAULT 0;

-- A trigger, because a statement that forgot it would leave stale copies behind without a word.
CREATE FUNCTION next_product_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.revision := greatest(OLD.revision + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
  RETURN NEW;
END
$$;
CREATE TRIGGER products_revision BEFORE INSERT OR UPDATE ON products
  FOR EACH ROW EXECUTE FUNCTION next_product_revision();

-- Down Migration

DROP TRIGGER products_revision ON products;
DROP FUNCTION next_product_revision();
ALTER TABLE products DROP COLUMN revision;
