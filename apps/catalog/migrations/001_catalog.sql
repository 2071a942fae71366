-- Up Migration

CREATE TABLE products (
  product_id uuid PRIMARY KEY,
  slug text NOT NULL UNIQUE,
  name text NOT NULL,
  description text NOT NULL,
  category text NOT NULL,
  -- What searches look at: name, category and description, folded by domain/search.ts.
  search_text text NOT NULL,
  price_amount bigint NOT NULL CHECK (price_amount >= 0),
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  image text NOT NULL,
  -- Where the product stands in lists.
  position integer NOT NULL,
  -- Pieces. Every piece that ever came in is on hand, reserved or sold.
  initial integer NOT NULL CHECK (initial >= 0),
  on_hand integer NOT NULL CHECK (on_hand >= 0),
  reserved integer NOT NULL DEFAULT 0 CHECK (reserved >= 0),
  sold integer NOT NULL DEFAULT 0 CHECK (sold >= 0),
  CONSTRAINT products_pieces_add_up CHECK (initial = on_hand + reserved + sold)
);
-- Pages continue behind a (position, product_id).
CREATE INDEX products_in_list_order ON products (position, product_id);
-- Stock changes all the time and touches no index: room in the page keeps the new row version beside the old one.
ALTER TABLE products SET (fillfactor = 70);

-- What was decided about an order's stock. One row per order, kept for good: a command that comes again, or after
-- the order was given up, is answered from it.
CREATE TABLE reservations (
  order_id uuid PRIMARY KEY,
  state text NOT NULL CHECK (state IN ('reserved', 'committed', 'released', 'rejected')),
  -- Until when the pieces are held; still told, and so kept, once they are sold.
  expires_at timestamptz,
  -- Why there was no reservation, and the lines that were short: what StockRejected said.
  code text,
  shortages jsonb,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT reservations_expiry CHECK ((expires_at IS NOT NULL) = (state IN ('reserved', 'committed'))),
  CONSTRAINT reservations_reason CHECK ((code IS NOT NULL AND shortages IS NOT NULL) = (state = 'rejected'))
);
CREATE INDEX reservations_to_expire ON reservations (expires_at) WHERE state = 'reserved';

-- The pieces of orders that got a reservation, one line per product; never changed afterwards.
CREATE TABLE reservation_lines (
  order_id uuid NOT NULL REFERENCES reservations,
  product_id uuid NOT NULL REFERENCES products,
  quantity integer NOT NULL CHECK (quantity > 0),
  PRIMARY KEY (order_id, product_id)
);

-- Down Migration

DROP TABLE reservation_lines;
DROP TABLE reservations;
DROP TABLE products;
