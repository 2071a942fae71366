/**
 * The claims route, built from the same libraries with the same checks, in two variants: `single`, which sends one
 * statement a request, and `none`, which has no database at all and bounds what HTTP allows.
 */
import { createHash, randomUUIDv7 } from 'node:crypto';
import { Claim, CreateClaim } from '@ballast/contracts';
import { createDatabase } from '@ballast/postgres';
import { createHttpServer, createLogger, createMetrics, problemResponses } from '@ballast/service';
import { listening } from '../http/server.ts';

const names = { service: 'claims', instance: 'bench' };
const server = await createHttpServer({
  name: 'claims',
  instance: 'bench',
  logger: createLogger({ ...names, level: 'silent' }),
  metrics: createMetrics(names),
  checks: [],
  issuer: process.env['IDENTITY_URL']!,
});

const database = createDatabase({ url: process.env['POSTGRES_URL']!, applicationName: 'bench', maxConnections: 16 });
const single = process.env['VARIANT'] === 'single';
if (single)
  await database.query(`CREATE TABLE claims_single (
    claim_id uuid PRIMARY KEY, user_id uuid NOT NULL, key text NOT NULL, fingerprint bytea NOT NULL,
    order_id uuid NOT NULL, reason text NOT NULL, details text NOT NULL, created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, key))`);
const insert = {
  name: 'claim-single',
  text: `INSERT INTO claims_single (claim_id, user_id, key, fingerprint, order_id, reason, details)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (user_id, key) DO NOTHING RETURNING claim_id, created_at`,
};

server.post(
  '/claims',
  { schema: { body: CreateClaim, response: { 201: Claim, ...problemResponses } } },
  async (request, reply) => {
    const { orderId, reason, details } = request.body;
    const key = String(request.headers['idempotency-key']);
    const fingerprint = createHash('sha256').update(`${orderId}\n${reason}\n${details}`).digest();
    const claimId = randomUUIDv7();
    if (single)
      await database.query(insert, [claimId, request.principal!.userId, key, fingerprint, orderId, reason, details]);
    return reply
      .code(201)
      .header('location', `/claims/${claimId}`)
      .send({
        claimId,
        orderId,
        reason,
        details,
        state: 'open' as const,
        amount: { amount: 4_900, currency: 'EUR' },
        createdAt: new Date().toISOString(),
        decidedAt: null,
        note: null,
      });
  },
);
listening(await server.listen({ port: 0, host: '127.0.0.1' }));
