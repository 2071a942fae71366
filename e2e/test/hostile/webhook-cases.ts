/** Webhooks that are not to be believed, and signed ones that do not fit any order. */
import { randomUUID } from 'node:crypto';
import { anyBody } from './bodies.ts';
import type { Case, Refusal } from './case.ts';
import type { Headers, Signing } from './signing.ts';
import type { Request } from './wire.ts';
import type { World } from './world.ts';

type Provider = 'stripe' | 'paypal';
type Event = Record<string, unknown>;

const refused: Refusal = { status: 400, code: 'invalid-signature' };
/** The bff does not hand on a header that cannot be one. */
const refusedEarly: Refusal = { status: 400, code: ['invalid-signature', 'bad-request'] };
const tooLarge: Refusal = { status: 413, code: 'too-large' };
const mismatch: Refusal = { status: 422, code: 'amount-mismatch', field: 'amount' };
const unknownOrder: Refusal = { status: 422, code: 'unknown-order' };
const now = (): number => Math.floor(Date.now() / 1000);

/** An event the stand-in has really sent about a finished order, under an id of its own unless `id` keeps it. */
export function pastEvent(world: World, provider: Provider, type: string, changes: { id?: string } = {}): Event {
  const [order, typeKey] = provider === 'stripe' ? [world.stripeOrder, 'type'] : [world.paypalOrder, 'event_type'];
  const found = world.signing
    .sent()
    .filter((sent) => sent.provider === provider && sent.body.includes(order.orderId))
    .map((sent) => JSON.parse(sent.body) as Event)
    .find((event) => event[typeKey] === type);
  if (found === undefined) throw new Error(`the stand-in has sent no ${type}`);
  return { ...found, id: changes.id ?? `evt_${randomUUID()}` };
}

/** The object in a Stripe event or the resource in one of PayPal's, to be changed. */
function subjectOf(event: Event): Record<string, unknown> {
  return (event['resource'] ?? (event['data'] as { object: unknown }).object) as Record<string, unknown>;
}

const captured = { stripe: 'payment_intent.succeeded', paypal: 'PAYMENT.CAPTURE.COMPLETED' } as const;
const authorized = {
  stripe: 'payment_intent.amount_capturable_updated',
  paypal: 'PAYMENT.AUTHORIZATION.CREATED',
} as const;

const setAmount = (provider: Provider, event: Event, amount: number): void => {
  const subject = subjectOf(event);
  if (provider === 'stripe') Object.assign(subject, { amount_received: amount, amount_capturable: amount, amount });
  else (subject['amount'] as Record<string, unknown>)['value'] = (amount / 100).toFixed(2);
};
const setCurrency = (provider: Provider, event: Event): void => {
  if (provider === 'stripe') subjectOf(event)['currency'] = 'usd';
  else (subjectOf(event)['amount'] as Record<string, unknown>)['currency_code'] = 'USD';
};
const setOrder = (provider: Provider, event: Event, orderId: string): void => {
  if (provider === 'stripe') subjectOf(event)['metadata'] = { order_id: orderId };
  else subjectOf(event)['custom_id'] = orderId;
};

/** Rightly signed, wrong in what it says: `change` makes it so. */
const signedButWrong: readonly (readonly [
  string,
  (provider: Provider, event: Event, world: World) => void,
  Refusal,
])[] = [
  ['a smaller amount', (provider, event) => setAmount(provider, event, 1), mismatch],
  ['no amount', (provider, event) => setAmount(provider, event, 0), mismatch],
  [
    'a cent more',
    (provider, event, world) => setAmount(provider, event, world[`${provider}Order`].amount + 1),
    mismatch,
  ],
  ['a huge amount', (provider, event) => setAmount(provider, event, 999_999_999_999), mismatch],
  ['another currency', (provider, event) => setCurrency(provider, event), mismatch],
  [
    'an unknown order',
    (provider, event) => setOrder(provider, event, '01900000-0000-7000-8000-000000000000'),
    unknownOrder,
  ],
  [
    "the other provider's order",
    (provider, event, world) =>
      setOrder(provider, event, world[provider === 'stripe' ? 'paypalOrder' : 'stripeOrder'].orderId),
    unknownOrder,
  ],
  ['a negative amount', (provider, event) => setAmount(provider, event, -100), { status: [400, 422] }],
  [
    'half a cent',
    (provider, event) =>
      provider === 'stripe'
        ? setAmount(provider, event, 0.5)
        : ((subjectOf(event)['amount'] as Event)['value'] = '1.005'),
    { status: [400, 422] },
  ],
  [
    'an amount in words',
    (provider, event) =>
      Object.assign(
        subjectOf(event),
        provider === 'stripe' ? { amount_received: 'all', amount_capturable: 'all', amount: 'all' } : { amount: 'all' },
      ),
    { status: [400, 422] },
  ],
  [
    'no object',
    (provider, event) => Object.assign(event, provider === 'stripe' ? { data: {} } : { resource: null }),
    { status: [400, 422] },
  ],
  ['an id with code zero', (_provider, event) => (event['id'] = 'evt_\u0000'), { status: [400, 422] }],
  ['an id with a lone surrogate', (_provider, event) => (event['id'] = 'evt_\ud800'), { status: [400, 422] }],
  ['an id of 10,000 characters', (_provider, event) => (event['id'] = 'e'.repeat(10_000)), { status: [400, 422] }],
  ['no id', (_provider, event) => delete event['id'], { status: [400, 422] }],
];

/** Events that tell of money; what was never sent is made of one that was. */
const events: readonly (readonly [Provider, type: string, madeOf?: string])[] = [
  ['stripe', authorized.stripe],
  ['stripe', captured.stripe],
  ['stripe', 'payment_intent.canceled', captured.stripe],
  ['paypal', authorized.paypal],
  ['paypal', captured.paypal],
  ['paypal', 'PAYMENT.AUTHORIZATION.VOIDED', authorized.paypal],
];

/** A signature that is wrong, and what it is wrong in. */
const badSignatures: Record<
  Provider,
  readonly (readonly [string, (signing: Signing, body: string, world: World) => Headers, Refusal])[]
> = {
  stripe: [
    ['no signature', () => [], refused],
    ['an empty signature', () => [['stripe-signature', '']], refusedEarly],
    ['garbage as signature', () => [['stripe-signature', 'garbage']], refused],
    [
      'a signature without a time',
      (signing, body) => [['stripe-signature', signing.stripe(body)[0]![1].split(',')[1]!]],
      refused,
    ],
    ['a time without a signature', () => [['stripe-signature', `t=${now()}`]], refused],
    ['an empty v1', () => [['stripe-signature', `t=${now()},v1=`]], refused],
    ['a signature of zeroes', () => [['stripe-signature', `t=${now()},v1=${'0'.repeat(64)}`]], refused],
    [
      'only the scheme v0',
      (signing, body) => [['stripe-signature', signing.stripe(body)[0]![1].replace('v1=', 'v0=')]],
      refused,
    ],
    [
      'two times',
      (signing, body) => [['stripe-signature', `t=${now()},${signing.stripe(body, { at: now() - 900 })[0]![1]}`]],
      refused,
    ],
    [
      'a time that is not what was signed',
      (signing, body) => [
        ['stripe-signature', signing.stripe(body, { at: now() - 900 })[0]![1].replace(/t=\d+/, `t=${now()}`)],
      ],
      refused,
    ],
    ["a stranger's secret", (signing, body) => signing.stripe(body, { secret: 'whsec_somebody_elses' }), refused],
    ['a signature of 6 minutes ago', (signing, body) => signing.stripe(body, { at: now() - 360 }), refused],
    ['a signature of 1970', (signing, body) => signing.stripe(body, { at: 1 }), refused],
    ['a signature of a day ahead', (signing, body) => signing.stripe(body, { at: now() + 86_400 }), refused],
    ['a signature 6 minutes ahead', (signing, body) => signing.stripe(body, { at: now() + 360 }), refused],
    ['the signature of another body', (signing, body) => signing.stripe(`${body} `), refused],
    [
      'a time of fifty digits',
      (signing, body) => [['stripe-signature', signing.stripe(body)[0]![1].replace(/t=\d+/, `t=${'9'.repeat(50)}`)]],
      refused,
    ],
    ['10,000 signatures', () => [['stripe-signature', `t=${now()}${',v1=00'.repeat(1_600)}`]], refusedEarly],
    [
      'a signature beyond ASCII',
      (signing, body) => [['stripe-signature', `${signing.stripe(body)[0]![1]}é`]],
      { status: 400 },
    ],
    ["PayPal's headers", (signing, body) => signing.paypal(body), refused],
  ],
  paypal: [
    ['no signature', () => [], refused],
    ...['id', 'time', 'sig'].map(
      (part) =>
        [
          `no transmission ${part}`,
          (signing: Signing, body: string) =>
            signing.paypal(body).filter(([name]) => name !== `paypal-transmission-${part}`),
          refused,
        ] as const,
    ),
    ['no certificate', (signing, body) => signing.paypal(body).filter(([name]) => name !== 'paypal-cert-url'), refused],
    ['no algorithm', (signing, body) => signing.paypal(body).filter(([name]) => name !== 'paypal-auth-algo'), refused],
    ['another algorithm', (signing, body) => signing.paypal(body, { algorithm: 'none' }), refused],
    [
      'garbage as signature',
      (signing, body) => replaced(signing.paypal(body), 'paypal-transmission-sig', 'garbage'),
      refused,
    ],
    [
      'a signature of zeroes',
      (signing, body) =>
        replaced(signing.paypal(body), 'paypal-transmission-sig', Buffer.alloc(256).toString('base64')),
      refused,
    ],
    [
      'another transmission id',
      (signing, body) => replaced(signing.paypal(body), 'paypal-transmission-id', randomUUID()),
      refused,
    ],
    [
      'a time in words',
      (signing, body) => replaced(signing.paypal(body), 'paypal-transmission-time', 'yesterday'),
      refused,
    ],
    [
      'a time that is not what was signed',
      (signing, body) =>
        replaced(
          signing.paypal(body, { at: now() - 900 }),
          'paypal-transmission-time',
          `${new Date().toISOString().slice(0, 19)}Z`,
        ),
      refused,
    ],
    ['a signature of 6 minutes ago', (signing, body) => signing.paypal(body, { at: now() - 360 }), refused],
    ['a signature 6 minutes ahead', (signing, body) => signing.paypal(body, { at: now() + 360 }), refused],
    [
      'a signature for another webhook',
      (signing, body) => signing.paypal(body, { webhookId: 'somebody-elses' }),
      refused,
    ],
    ['the signature of another body', (signing, body) => signing.paypal(`${body} `), refused],
    [
      "a stranger's certificate",
      (signing, body) => signing.paypal(body, { certificateUrl: 'https://evil.example/v1/notifications/certs/CERT-1' }),
      refused,
    ],
    [
      'a certificate from a port beside',
      (signing, body) => signing.paypal(body, { certificateUrl: 'http://127.0.0.1:1/v1/notifications/certs/CERT-1' }),
      refused,
    ],
    [
      'a certificate from a file',
      (signing, body) => signing.paypal(body, { certificateUrl: 'file:///etc/passwd' }),
      refused,
    ],
    [
      'a certificate behind a name',
      (signing, body, world) =>
        signing.paypal(body, { certificateUrl: certificateAt(world, '/v1/notifications/certs/x', 'paypal@') }),
      refused,
    ],
    [
      'a certificate on another path',
      (signing, body, world) => signing.paypal(body, { certificateUrl: certificateAt(world, '/ledger') }),
      refused,
    ],
    [
      'a certificate up the path',
      (signing, body, world) =>
        signing.paypal(body, { certificateUrl: certificateAt(world, '/v1/notifications/certs/../../../ledger') }),
      refused,
    ],
    [
      'a certificate that is not there',
      (signing, body, world) =>
        signing.paypal(body, { certificateUrl: certificateAt(world, '/v1/notifications/certs/CERT-none') }),
      refused,
    ],
    [
      'two certificates',
      (signing, body) => [...signing.paypal(body), ['paypal-cert-url', 'https://evil.example/']],
      { status: 400 },
    ],
    ["Stripe's header", (signing, body) => signing.stripe(body), refused],
  ],
};

const certificateAt = (world: World, path: string, user = ''): string =>
  `http://${user}${new URL(world.test.mesh.urls['payment-provider']!).host}${path}`;
const replaced = (headers: Headers, name: string, value: string): Headers =>
  headers.map(([each, old]) => [each, each === name ? value : old] as const);

const doors = ['bff', 'payments'] as const;

/** A webhook as it is posted. */
export function posted(
  provider: Provider,
  body: string | Buffer,
  headers: Headers,
  type = 'application/json',
): Request {
  return { method: 'POST', path: `/webhooks/${provider}`, headers: [['content-type', type], ...headers], body };
}

/** Webhooks that have no effect and are told so. */
export const webhookCases: readonly Case[] = doors.flatMap((service) => [
  ...(['stripe', 'paypal'] as const).flatMap((provider) => [
    ...badSignatures[provider].map(([name, headers, refusal]): Case => ({
      name: `${provider}: ${name}`,
      service,
      refusal,
      request: (world) => {
        const body = JSON.stringify(pastEvent(world, provider, captured[provider]));
        return posted(provider, body, headers(world.signing, body, world));
      },
    })),
    // Unsigned, whatever it is: the signature is looked at before the body.
    ...anyBody(256 * 1024)
      .filter(([name]) => !name.startsWith('50,000'))
      .map(([name, body]): Case => ({
        name: `${provider}: ${name}, unsigned`,
        service,
        refusal: Buffer.byteLength(body) > 256 * 1024 ? tooLarge : refused,
        request: () => posted(provider, body, []),
      })),
    // Signed, but not an event.
    ...anyBody(256 * 1024)
      .filter(([, body]) => typeof body === 'string' && body.length < 256 * 1024)
      .map(([name, body]): Case => ({
        name: `${provider}: ${name}, signed`,
        service,
        refusal: refused,
        request: (world) => posted(provider, body, world.signing[provider](String(body))),
      })),
    ...['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'].map((type): Case => ({
      name: `${provider}: unsigned, of type ${type}`,
      service,
      refusal: refused,
      request: () => posted(provider, '{}', [], type),
    })),
    {
      name: `${provider}: no body`,
      service,
      refusal: refused,
      request: () => ({ method: 'POST', path: `/webhooks/${provider}` }),
    },
  ]),
  ...events.flatMap(([provider, type, madeOf = type]) =>
    signedButWrong.map(([name, change, refusal]): Case => ({
      name: `${provider}: a signed ${type} with ${name}`,
      service,
      refusal,
      request: (world) => {
        const event = pastEvent(world, provider, madeOf);
        event[provider === 'stripe' ? 'type' : 'event_type'] = type;
        change(provider, event, world);
        const body = JSON.stringify(event);
        return posted(provider, body, world.signing[provider](body));
      },
    })),
  ),
  {
    name: 'a provider nobody knows',
    service,
    refusal: { status: 404, code: 'not-found' },
    request: () => ({
      method: 'POST',
      path: '/webhooks/cash',
      headers: [['content-type', 'application/json']],
      body: '{}',
    }),
  },
]);
