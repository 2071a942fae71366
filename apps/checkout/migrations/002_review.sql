-- Up Migration

-- What operators look through: few rows, whatever the number of orders. Ids are UUIDv7: newest first.
CREATE INDEX sagas_in_review ON sagas (id DESC) WHERE state = 'RequiresReview';

-- Down Migration

DROP INDEX sagas_in_review;
