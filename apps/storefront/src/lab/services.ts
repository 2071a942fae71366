/** The static reference: what every service owns, what it is made of, and the patterns that follow. */

export type ServiceText = {
  name: string;
  replicas: number;
  /** No request of a browser comes to it, and the bff does not know of it. */
  apart?: true;
  owns: string;
  what: string;
  stack: readonly string[];
  patterns: readonly { name: string; what: string; path: string }[];
};

/** Every service, in the order of the page. */
export const services: readonly ServiceText[] = [
  {
    name: 'bff',
    replicas: 1,
    owns: 'Schema bff: sessions, answers by idempotency key',
    what: 'The one door from the browser to every service, and from the payment providers back in. It keeps the tokens, and lets neither a crowd nor a failing service through to the others.',
    stack: ['Node 26', 'Fastify', 'undici', 'opossum', 'Redis', 'PostgreSQL'],
    patterns: [
      {
        name: 'Token bucket',
        what: 'A bucket for each session, kept in Redis for all replicas. An empty one answers 429 with Retry-After; without Redis a local bucket goes on counting.',
        path: 'apps/bff/src/limits',
      },
      {
        name: 'Circuit breaker',
        what: 'Each upstream has a timeout, a limit on calls in flight and a breaker. An open breaker answers at once and sends nothing.',
        path: 'apps/bff/src/clients/upstream.ts',
      },
      {
        name: 'Idempotent replay',
        what: 'The same key and body get the same answer again; another body under the same key is refused.',
        path: 'libs/idempotency/src',
      },
    ],
  },
  {
    name: 'identity',
    replicas: 1,
    owns: 'Schema identity: accounts, refresh families, revocations',
    what: 'Accounts, and the tokens every service checks by itself. Whatever is revoked here is refused everywhere within a second.',
    stack: ['Node 26', 'Fastify', 'jose', 'argon2id', 'Vault', 'PostgreSQL'],
    patterns: [
      {
        name: 'Dynamic credentials',
        what: 'The role it logs into PostgreSQL with is leased from Vault. Before a lease ends the next one is there: the pools are swapped, and queries in flight finish on the old one.',
        path: 'libs/postgres/src',
      },
      {
        name: 'Refresh rotation',
        what: 'A refresh token is good once. Using it twice ends the whole family.',
        path: 'apps/identity/src/store/refresh-families.ts',
      },
      {
        name: 'Revocation',
        what: 'Signing out revokes tokens by their id. A service that cannot know refuses writes.',
        path: 'libs/service/src/revocation.ts',
      },
    ],
  },
  {
    name: 'catalog',
    replicas: 2,
    owns: 'Schema catalog: products, stock, reservations',
    what: 'Products and their stock, in two replicas: the busiest way of all, at every look and at every order.',
    stack: ['Node 26', 'Fastify', 'PostgreSQL xmin', 'lru-cache', 'Redis'],
    patterns: [
      {
        name: 'Optimistic concurrency',
        what: 'A row’s xmin is its version and the ETag. A writer sends it in If-Match: one of many wins, the others get 412 and the product as it is.',
        path: 'apps/catalog/src/routes/stock.ts',
      },
      {
        name: 'Two-tier cache',
        what: 'In process, then Redis. A write tells the other replicas; an older version never overwrites a newer one, and one loader serves a whole crowd.',
        path: 'libs/cache/src',
      },
      {
        name: 'Atomic reservation',
        what: 'Stock is set aside for an order by one statement, all its lines or none.',
        path: 'apps/catalog/src/store',
      },
    ],
  },
  {
    name: 'claims',
    replicas: 1,
    owns: 'Schema claims: claims and their decisions',
    what: 'Complaints about completed orders. A granted one becomes a refund, so that money taken and orders completed still agree.',
    stack: ['Node 26', 'Fastify', 'PostgreSQL', 'RabbitMQ'],
    patterns: [
      {
        name: 'First writer wins',
        what: 'However many callers share a key, one statement decides who files the claim. The others get the same claim, and only read.',
        path: 'apps/claims/src/store/filing.ts',
      },
      {
        name: 'Refund',
        what: 'Granting a claim and telling payments is one transaction. The claim is refunded when the provider has given the money back.',
        path: 'apps/claims/src/store/decisions.ts',
      },
    ],
  },
  {
    name: 'payments',
    replicas: 1,
    owns: 'Schema payments: payments, ledger, webhook events',
    what: 'The only service that talks to Stripe and PayPal. What a provider tells twice, late or in the wrong order counts once.',
    stack: ['Node 26', 'Fastify', 'PostgreSQL', 'RabbitMQ', 'Stripe', 'PayPal'],
    patterns: [
      {
        name: 'Transactional outbox',
        what: 'What was done and what is to be told are one commit. The relay publishes it and deletes the row after the broker’s confirm; a sweep takes what a crash left.',
        path: 'libs/outbox/src',
      },
      {
        name: 'Webhooks',
        what: 'The signature is checked, the event stored, and only then is the provider told that it arrived.',
        path: 'apps/payments/src/routes/webhooks.ts',
      },
    ],
  },
  {
    name: 'checkout',
    replicas: 2,
    owns: 'Schema checkout: orders, sagas, transitions',
    what: 'Brings every order to an end: complete, or with everything put back. No two-phase commit, no distributed lock.',
    stack: ['Node 26', 'Fastify', 'PostgreSQL', 'RabbitMQ', 'Redis'],
    patterns: [
      {
        name: 'Persisted saga',
        what: 'A table says what each event does in each state. Inbox, state, history and the messages it sends are one transaction.',
        path: 'apps/checkout/src/domain/place-order.ts',
      },
      {
        name: 'Compensation',
        what: 'Every step has one that undoes it, and undoing is retried like anything else. What only a person can settle is kept for a person.',
        path: 'libs/saga/src',
      },
    ],
  },
  {
    name: 'tcp-gateway',
    replicas: 1,
    apart: true,
    owns: 'Nothing durable: the sessions of the devices that are connected',
    what: 'Devices stay connected to it over TCP. Nothing that happens to the broker slows one of them down; in the full profile only.',
    stack: ['Node 26', 'node:net', 'node:crypto', 'RabbitMQ'],
    patterns: [
      {
        name: 'Device session',
        what: 'A first line within five seconds, a token checked here, one session per device. It ends when its token does, when that is revoked, or when the device is silent.',
        path: 'apps/tcp-gateway/src/devices',
      },
      {
        name: 'Bounded telling',
        what: 'Telemetry waits for the broker in a queue that drops the oldest and counts what it dropped.',
        path: 'apps/tcp-gateway/src/telling/lane.ts',
      },
    ],
  },
  {
    name: 'analytics',
    replicas: 1,
    apart: true,
    owns: 'Schema analytics: what gateways have counted, the audit trail',
    what: 'What gateways tell becomes metrics that stay exact through repetitions, restarts and kills; in the full profile only.',
    stack: ['Node 26', 'Fastify', 'PostgreSQL', 'RabbitMQ', 'Prometheus'],
    patterns: [
      {
        name: 'Counts instead of events',
        what: 'A gateway says how far it has counted. The largest number heard is the truth, in whatever order and however often it comes; nothing is added up that could be missed.',
        path: 'apps/analytics/src/counting.ts',
      },
      {
        name: 'Gauge with an expiry',
        what: 'Who is connected is each gateway’s own count, for as long as it is heard of. A killed one leaves the sum by itself.',
        path: 'apps/analytics/src/live.ts',
      },
    ],
  },
];
