/** Wrong orders, wrong reads, wrong stock corrections: through every door. */
import { randomUUID } from 'node:crypto';
import { anyBody, contentTypes, orderBodies, quoteBodies, stockBodies, type BadBody } from './bodies.ts';
import type { Case, Refusal } from './case.ts';
import {
  anonymous,
  direct,
  orderDoors,
  stockDoors,
  through,
  withSession,
  withToken,
  type Call,
  type Door,
} from './doors.ts';
import type { World } from './world.ts';

const unknownId = '01900000-0000-7000-8000-000000000000';
const invalid = (field?: string): Refusal => ({
  status: 422,
  code: 'invalid-input',
  ...(field === undefined ? {} : { field }),
});
const notFound: Refusal = { status: 404, code: 'not-found' };
const json = ['content-type', 'application/json'] as const;

export const at = (door: Door, name: string, refusal: Refusal, call: (world: World) => Call): Case => ({
  name: `${name}, ${door.name}`,
  service: door.service,
  refusal,
  request: (world) => through(door, world, call(world)),
});

const filled = (body: string | Buffer, world: World): string | Buffer =>
  Buffer.isBuffer(body)
    ? Buffer.from(body.toString('latin1').replaceAll('$P', world.productId), 'latin1')
    : body.replaceAll('$P', world.productId);

/** Bad bodies for one call, and content types it does not take. */
export function bodiesAt(door: Door, what: string, bodies: readonly BadBody[], call: (world: World) => Call): Case[] {
  return bodies.map(([name, body, refusal]) =>
    at(door, `${what} with ${name}`, refusal, (world) => ({ ...call(world), body: filled(body, world) })),
  );
}

const placing = (): Call => ({ method: 'POST', path: '/orders', headers: [json, ['idempotency-key', randomUUID()]] });
const goodOrder = (world: World): string =>
  `{"lines":[{"productId":"${world.productId}","quantity":1}],"payment":{"provider":"stripe","method":"pm_card_visa"}}`;
const withKey = (world: World, ...keys: string[]): Call => ({
  method: 'POST',
  path: '/orders',
  headers: keys.map((key) => ['idempotency-key', key] as const),
  body: goodOrder(world),
});

/** Orders that must not be placed. */
export const orderCases: readonly Case[] = orderDoors.flatMap((door) => [
  ...bodiesAt(door, 'an order', [...anyBody(), ...orderBodies], placing),
  ...contentTypes.map((type) =>
    at(door, `an order of type "${type}"`, { status: 415, code: 'unsupported-media-type' }, (world) => ({
      method: 'POST',
      path: '/orders',
      headers: [
        ['content-type', type],
        ['idempotency-key', randomUUID()],
      ],
      body: goodOrder(world),
    })),
  ),
  at(door, 'an order in gzip that is none', { status: [400, 415] }, () => ({
    ...placing(),
    headers: [...placing().headers!, ['content-encoding', 'gzip']],
    body: '\x1f\x8b',
  })),
  at(door, 'an order without a key', { status: 400, code: 'missing-idempotency-key' }, (world) => withKey(world)),
  at(door, 'an order with an empty key', { status: 400, code: 'missing-idempotency-key' }, (world) =>
    withKey(world, ''),
  ),
  at(door, 'an order with a key of 201 characters', invalid('idempotency-key'), (world) =>
    withKey(world, 'k'.repeat(201)),
  ),
  at(door, 'an order with a key of 10,000 characters', invalid('idempotency-key'), (world) =>
    withKey(world, 'k'.repeat(10_000)),
  ),
  at(door, 'an order with a space in its key', invalid('idempotency-key'), (world) => withKey(world, 'two words')),
  at(door, 'an order with a key beyond ASCII', invalid('idempotency-key'), (world) => withKey(world, 'schlüssel')),
  at(door, 'an order with two keys', invalid('idempotency-key'), (world) => withKey(world, 'one', 'two')),
  at(door, 'another order under a used key', { status: 422, code: 'idempotency-key-reused' }, (world) => ({
    ...withKey(world, world.stripeOrder.idempotencyKey),
    body: world.stripeOrder.body.replace('"quantity":2', '"quantity":3'),
  })),
  at(door, 'another payment under a used key', { status: 422, code: 'idempotency-key-reused' }, (world) => ({
    ...withKey(world, world.stripeOrder.idempotencyKey),
    body: world.stripeOrder.body.replace('pm_card_visa', 'pm_card_amex'),
  })),
]);

const ids: readonly (readonly [string, string, Refusal])[] = [
  ['an unknown id', unknownId, notFound],
  ['no id', 'nothing', invalid('id')],
  ['a number', '1', invalid('id')],
  ['an id and more', `${unknownId}0`, invalid('id')],
  ['code zero', '%00', invalid('id')],
  ['an id and code zero', `${unknownId}%00`, invalid('id')],
  ['an injection', "'%20OR%201=1--", invalid('id')],
  ['a path', '..%2f..%2fhealthz', invalid('id')],
  ['broken percent-encoding', '%zz', { status: 400, code: 'bad-request' }],
  ['half a percent-encoding', '%e0%a4', { status: 400, code: 'bad-request' }],
  ['bytes that are no UTF-8', '%ff%fe', { status: 400, code: 'bad-request' }],
  ['201 characters', 'a'.repeat(201), { status: [404, 414, 422] }],
  ['12,000 characters', 'a'.repeat(12_000), { status: [404, 414, 422] }],
  ['20,000 characters', 'a'.repeat(20_000), { status: 431, code: 'headers-too-large' }],
];

const pages: readonly (readonly [string, string, Refusal])[] = [
  ...['0', '-1', '101', '1.5', 'ten', '1e400', 'NaN', '9'.repeat(30), '%00', '[]'].map(
    (limit) => [`a limit of ${limit.slice(0, 10)}`, `limit=${limit}`, invalid('limit')] as const,
  ),
  ['two limits', 'limit=1&limit=2', invalid('limit')],
  ['a cursor of nobody', 'cursor=bm90aGluZw', invalid('cursor')],
  ['a cursor with code zero', 'cursor=%00', invalid('cursor')],
  ['a cursor of 201 characters', `cursor=${'a'.repeat(201)}`, invalid('cursor')],
  ['two cursors', 'cursor=a&cursor=b', invalid('cursor')],
  ['a key nobody knows', 'sort=price', invalid('sort')],
  ['a __proto__ key', '__proto__=1', invalid()],
  ['a nested key', 'limit[$gt]=1', invalid()],
  ['a thousand keys', Array.from({ length: 1_000 }, (_, index) => `k${index}=1`).join('&'), invalid()],
  ['20,000 characters', `cursor=${'a'.repeat(20_000)}`, { status: 431, code: 'headers-too-large' }],
];

const asStranger = (world: World) => world.stranger;

/** Reads that show nothing. */
export const readCases: readonly Case[] = [
  ...orderDoors.flatMap((door) => [
    ...['/orders/$', '/orders/$/events'].flatMap((path) => [
      ...ids.map(([name, id, refusal]) =>
        at(door, `GET ${path} with ${name}`, refusal, () => ({ method: 'GET', path: path.replace('$', id) })),
      ),
      at(door, `GET ${path} of somebody else`, notFound, (world) => ({
        method: 'GET',
        path: path.replace('$', world.stripeOrder.orderId),
        as: asStranger,
      })),
      at(door, `GET ${path} of somebody else, in capitals`, notFound, (world) => ({
        method: 'GET',
        path: path.replace('$', world.stripeOrder.orderId.toUpperCase()),
        as: asStranger,
      })),
      at(anonymous(door), `GET ${path}`, { status: 401, code: 'unauthenticated' }, (world) => ({
        method: 'GET',
        path: path.replace('$', world.stripeOrder.orderId),
      })),
    ]),
    ...pages.map(([name, query, refusal]) =>
      at(door, `orders with ${name}`, refusal, () => ({ method: 'GET', path: `/orders?${query}` })),
    ),
    at(anonymous(door), 'orders', { status: 401, code: 'unauthenticated' }, () => ({ method: 'GET', path: '/orders' })),
    at(anonymous(door), 'an order', { status: 401, code: 'unauthenticated' }, (world) => withKey(world, randomUUID())),
  ]),
  ...[anonymous(withToken), anonymous(direct('catalog-1'))].flatMap((door) => [
    ...ids.map(([name, id, refusal]) =>
      at(door, `a product with ${name}`, refusal, () => ({ method: 'GET', path: `/products/${id}` })),
    ),
    ...pages.map(([name, query, refusal]) =>
      at(door, `products with ${name}`, refusal, () => ({ method: 'GET', path: `/products?${query}` })),
    ),
    at(door, 'a search of 101 characters', invalid('query'), () => ({
      method: 'GET',
      path: `/products?query=${'a'.repeat(101)}`,
    })),
    at(door, 'a search for code zero', invalid('query'), () => ({ method: 'GET', path: '/products?query=%00' })),
  ]),
];

const stocking = (world: World, more: Partial<Call> = {}): Call => ({
  method: 'PUT',
  path: `/products/${world.productId}/stock`,
  headers: [['if-match', world.etag]],
  body: '{"onHand":7}',
  as: (each) => each.operator,
  ...more,
});
const conditions: readonly (readonly [string, string, Refusal])[] = [
  ['a stale version', '"1"', { status: 412, code: 'version-mismatch' }],
  ['a version without quotes', '1', invalid('if-match')],
  ['any version', '*', { status: 428, code: 'precondition-required' }],
  ['an injected version', '"1\' OR 1=1 --"', { status: [412, 422] }],
  ['a huge version', `"${'9'.repeat(100)}"`, { status: [412, 422] }],
  ['a negative version', '"-1"', { status: [412, 422] }],
  ['a version beyond ASCII', '"\u00e4"', { status: [400, 412, 422] }],
];

/** Stock that must not be set. */
export const stockCases: readonly Case[] = stockDoors.flatMap((door) => [
  ...bodiesAt(door, 'stock', [...anyBody(), ...stockBodies], (world) => ({
    ...stocking(world),
    headers: [json, ['if-match', world.etag]],
  })),
  ...conditions.map(([name, value, refusal]) =>
    at(door, `stock under ${name}`, refusal, (world) => stocking(world, { headers: [['if-match', value]] })),
  ),
  at(door, 'stock under a weak version', { status: 412, code: 'version-mismatch' }, (world) =>
    stocking(world, { headers: [['if-match', `W/${world.etag}`]] }),
  ),
  at(door, 'stock without a version', { status: 428, code: 'precondition-required' }, (world) =>
    stocking(world, { headers: [] }),
  ),
  at(door, 'stock of an unknown product', notFound, (world) =>
    stocking(world, { path: `/products/${unknownId}/stock` }),
  ),
  at(door, 'stock of no product', invalid('id'), (world) => stocking(world, { path: '/products/nothing/stock' })),
  at(door, 'stock set by a customer', { status: 403, code: 'forbidden' }, (world) =>
    stocking(world, { as: (each) => each.customer }),
  ),
  at(anonymous(door), 'stock', { status: 401, code: 'unauthenticated' }, (world) => stocking(world)),
]);

const quoting: Call = { method: 'POST', path: '/products/quote', headers: [json] };

/** Quotes that are not given. They are for services, so there is one door. */
export const quoteCases: readonly Case[] = [
  ...bodiesAt(direct('catalog-1'), 'a quote', [...anyBody(), ...quoteBodies], () => quoting),
  at(anonymous(direct('catalog-1')), 'a quote', { status: 401 }, (world) => ({
    ...quoting,
    body: `{"productIds":["${world.productId}"]}`,
  })),
];

/** A session is not enough: its CSRF token has to come with it. */
export const csrfCases: readonly Case[] = (
  [
    ['no CSRF token', () => []],
    ['an empty CSRF token', () => [['x-csrf-token', '']]],
    ['a wrong CSRF token', () => [['x-csrf-token', 'a'.repeat(43)]]],
    ["another session's CSRF token", (world) => [['x-csrf-token', world.stranger.csrf]]],
    [
      'the CSRF token twice',
      (world) => [
        ['x-csrf-token', world.customer.csrf],
        ['x-csrf-token', world.customer.csrf],
      ],
    ],
    ['a CSRF token of 10,000 characters', () => [['x-csrf-token', 'a'.repeat(10_000)]]],
    ['a CSRF token beyond ASCII', () => [['x-csrf-token', 'é'.repeat(43)]]],
    ['the CSRF token as a cookie', (world) => [['cookie', `x-csrf-token=${world.customer.csrf}`]]],
  ] as readonly (readonly [string, (world: World) => (readonly [string, string])[]])[]
).flatMap(([name, csrf]) =>
  (
    [
      ['POST', '/orders'],
      ['POST', '/auth/logout'],
      ['POST', '/auth/login'],
      ['POST', '/auth/register'],
      ['PUT', '/products/$P/stock'],
    ] as const
  ).map(([method, path]) =>
    at(
      { ...withSession, headers: ({ cookie }) => [['cookie', cookie]] },
      `${method} ${path} with ${name}`,
      { status: 403, code: 'invalid-csrf-token' },
      (world) => ({
        method,
        path: path.replace('$P', world.productId),
        headers: [['idempotency-key', randomUUID()], ['if-match', world.etag], ...csrf(world)],
        body: path === '/orders' ? goodOrder(world) : '{}',
      }),
    ),
  ),
);
