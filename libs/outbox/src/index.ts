/**
 * Transactional outbox and inbox. A handler's effect, the memory of the message that caused it, and the messages it
 * leads to are one transaction; a relay tells them to the broker afterwards, at least once and in order per aggregate.
 * Pattern: Richardson, "Transactional outbox", microservices.io; Helland, "Life beyond distributed transactions".
 */
import { fileURLToPath } from 'node:url';

export { connectParts, type Parts } from './connect.ts';
export { addOutboxRoutes } from './routes.ts';
export { createOutbox, type Outbox, type OutboxOptions } from './outbox.ts';
export { outboxInsert, outboxParameters, type StoredRow } from './sql.ts';
export { postgresOutbox, type CommitHook, type OutboxRow, type OutboxStore } from './store.ts';
export { rememberMessages } from './inbox.ts';

/** The tables `inbox` and `outbox`, for `migrate` of libs/postgres. */
export const outboxMigrations = { name: 'outbox', directory: fileURLToPath(new URL('../migrations', import.meta.url)) };
