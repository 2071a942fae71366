/** Wrong sign-ins, forged tokens, tampered sessions. */
import { randomBytes } from 'node:crypto';
import { anyBody, contentTypes, registerBodies, type BadBody } from './bodies.ts';
import type { Case, Refusal } from './case.ts';
import { at, bodiesAt } from './commerce-cases.ts';
import { anonymous, direct, withSession, withToken, type Call, type Door } from './doors.ts';
import { badTokens } from './tokens.ts';
import type { World } from './world.ts';

const json = ['content-type', 'application/json'] as const;
const invalidToken: Refusal = { status: 401, code: 'invalid-token' };
const invalid = (field?: string): Refusal => ({
  status: 422,
  code: 'invalid-input',
  ...(field === undefined ? {} : { field }),
});
const wrong: Refusal = { status: 401, code: 'invalid-credentials' };

const identity = anonymous(direct('identity'));
/** Sign-in pages work before anybody is signed in, but never without a session and its CSRF token. */
const bff: Door = { ...withSession, name: 'through the bff' };
const post = (path: string): Call => ({ method: 'POST', path, headers: [json] });
/** Identity reads 16 KiB. */
const smallBodies = anyBody(16 * 1024);

const credentials = (email: string, password: string): string => JSON.stringify({ email, password });
const badLogins: readonly BadBody[] = [
  ['a wrong password', credentials('demo@ballast.test', 'ballast-dem0'), wrong],
  ['an unknown address', credentials('nobody@ballast.test', 'ballast-demo'), wrong],
  ['an injected address', `{"email":"demo@ballast.test' --","password":"ballast-demo"}`, { status: [401, 422] }],
  ['a password that is an object', '{"email":"demo@ballast.test","password":{"$ne":""}}', invalid('password')],
  ['a list of addresses', '{"email":["demo@ballast.test"],"password":"ballast-demo"}', invalid('email')],
  ['a role', '{"email":"demo@ballast.test","password":"ballast-demo","roles":["operator"]}', invalid('roles')],
  ['code zero in the address', '{"email":"demo@ballast.test\\u0000","password":"ballast-demo"}', invalid('email')],
  [
    'a lone surrogate in the password',
    '{"email":"demo@ballast.test","password":"ballast-demo\\ud800"}',
    invalid('password'),
  ],
  ['a password of 10,000 characters', credentials('demo@ballast.test', 'a'.repeat(10_000)), invalid('password')],
];
const badRefreshes: readonly BadBody[] = [
  ['garbage', '{"refreshToken":"garbage"}', invalidToken],
  ['a token nobody was given', `{"refreshToken":"${randomBytes(32).toString('base64url')}"}`, invalidToken],
  ['an empty token', '{"refreshToken":""}', invalid('refreshToken')],
  ['null', '{"refreshToken":null}', invalid('refreshToken')],
  ['5,000 characters', `{"refreshToken":"${'a'.repeat(5_000)}"}`, invalid('refreshToken')],
  ['code zero', '{"refreshToken":"a\\u0000"}', invalid('refreshToken')],
  ['an unknown key', '{"refreshToken":"garbage","userId":"x"}', invalid('userId')],
];

/** Accounts that are not opened, sign-ins and refreshes that fail. */
export const accountCases: readonly Case[] = [
  ...bodiesAt(identity, 'an account', [...smallBodies, ...registerBodies], () => post('/register')),
  ...bodiesAt(bff, 'an account', [...anyBody(), ...registerBodies], () => post('/auth/register')),
  ...bodiesAt(identity, 'a sign-in', [...smallBodies, ...badLogins], () => post('/login')),
  ...bodiesAt(bff, 'a sign-in', [...anyBody(), ...badLogins], () => post('/auth/login')),
  ...bodiesAt(identity, 'a refresh', [...smallBodies, ...badRefreshes], () => post('/refresh')),
  at(identity, 'a refresh with an access token', { status: [401, 422] }, (world) => ({
    ...post('/refresh'),
    body: JSON.stringify({ refreshToken: world.customer.accessToken }),
  })),
  ...['/register', '/login', '/refresh'].flatMap((path) =>
    contentTypes.map((type) =>
      at(identity, `${path} of type "${type}"`, { status: 415, code: 'unsupported-media-type' }, () => ({
        method: 'POST',
        path,
        headers: [['content-type', type]],
        body: '{}',
      })),
    ),
  ),
  ...['/register?admin=1', '/login?email=a', '/refresh?x=1'].map((path) =>
    at(identity, `${path} with a query`, invalid(), () => ({
      ...post(path),
      body: credentials('demo@ballast.test', 'ballast-dem0'),
    })),
  ),
  at(direct('identity'), 'a sign-out with a body', { status: [413, 422] }, () => ({
    ...post('/logout'),
    body: '{"userId":"x"}',
  })),
  at(direct('identity'), 'a sign-out with 10 MB', { status: 413, code: 'too-large' }, () => ({
    ...post('/logout'),
    body: Buffer.alloc(10_000_000),
  })),
  at(identity, 'a sign-out', { status: 401, code: 'unauthenticated' }, () => ({ method: 'POST', path: '/logout' })),
];

/** Something that needs a token, at every service that checks one. */
const guarded: readonly (readonly [Door, (world: World) => Call])[] = [
  [withToken, () => ({ method: 'GET', path: '/orders' })],
  [
    withToken,
    (world) => ({
      method: 'PUT',
      path: `/products/${world.productId}/stock`,
      headers: [['if-match', '"1"']],
      body: '{"onHand":1}',
    }),
  ],
  [direct('checkout-1'), () => ({ method: 'GET', path: '/orders' })],
  [direct('checkout-2'), (world) => ({ method: 'GET', path: `/orders/${world.stripeOrder.orderId}/events` })],
  [
    direct('catalog-1'),
    (world) => ({ method: 'POST', path: '/products/quote', body: `{"productIds":["${world.productId}"]}` }),
  ],
  [
    direct('catalog-2'),
    (world) => ({
      method: 'PUT',
      path: `/products/${world.productId}/stock`,
      headers: [['if-match', '"1"']],
      body: '{"onHand":1}',
    }),
  ],
  [direct('identity'), () => ({ method: 'POST', path: '/logout' })],
];
const badHeaders: readonly (readonly [string, (token: string) => string])[] = [
  ['an empty Authorization', () => ''],
  ['Basic instead of Bearer', () => 'Basic ZGVtbzpkZW1v'],
  ['Bearer and nothing', () => 'Bearer'],
  ['the token without Bearer', (token) => token],
  ['two tokens in one header', (token) => `Bearer ${token}, Bearer ${token}`],
  ['a token in quotes', (token) => `Bearer "${token}"`],
  ['a token beyond ASCII', (token) => `Bearer ${token}é`],
];

/** Tokens that are not believed, in every way a token can be wrong. */
export const tokenCases: readonly Case[] = guarded.flatMap(([door, call], index) => [
  ...badTokens.map(([name, make]) =>
    at({ ...door, headers: () => [] }, `call ${index + 1} under ${name}`, invalidToken, (world) => {
      const token = make({
        forge: world.forge,
        genuine: world.customer.accessToken,
        refreshToken: world.customer.refreshToken,
      });
      const { headers = [], ...rest } = call(world);
      return {
        ...rest,
        headers: [...headers, ...(rest.body === undefined ? [] : [json]), ['authorization', `Bearer ${token}`]],
      };
    }),
  ),
  ...badHeaders.map(([name, make]) =>
    at({ ...door, headers: () => [] }, `call ${index + 1} with ${name}`, { status: 401 }, (world) => {
      const { headers = [], ...rest } = call(world);
      return {
        ...rest,
        headers: [
          ...headers,
          ...(rest.body === undefined ? [] : [json]),
          ['authorization', make(world.customer.accessToken)],
        ],
      };
    }),
  ),
]);

const flip = (text: string, index: number): string =>
  text.slice(0, index) + (text[index] === 'A' ? 'B' : 'A') + text.slice(index + 1);
const badCookies: readonly (readonly [string, (world: World) => string])[] = [
  ['garbage', () => 'ballast_session=garbage'],
  ['nothing', () => 'ballast_session='],
  ['another id under the signature', ({ customer }) => flip(customer.cookie, 'ballast_session='.length + 5)],
  ['a changed signature', ({ customer }) => flip(customer.cookie, customer.cookie.length - 20)],
  ['a cut signature', ({ customer }) => customer.cookie.slice(0, -1)],
  [
    "one session's id and another's signature",
    ({ customer, stranger }) => `${customer.cookie.split('.')[0]}.${stranger.cookie.split('.')[1]}`,
  ],
  ['an id without signature', ({ customer }) => customer.cookie.split('.')[0]!],
  ['an access token', ({ customer }) => `ballast_session=${customer.accessToken}`],
  ['percent-encoding that is broken', () => 'ballast_session=%zz%00'],
  ['10,000 characters', () => `ballast_session=${'a'.repeat(10_000)}`],
  ['a thousand cookies', () => Array.from({ length: 1_000 }, (_, index) => `c${index}=1`).join('; ')],
  ['__proto__', () => '__proto__=1; constructor=2'],
];

/** Cookies that are nobody's session. */
export const cookieCases: readonly Case[] = badCookies.flatMap(([name, cookie]) => [
  at(
    { ...withSession, headers: () => [] },
    `orders with ${name} as cookie`,
    { status: 401, code: 'unauthenticated' },
    (world) => ({
      method: 'GET',
      path: '/orders',
      headers: [['cookie', cookie(world)]],
    }),
  ),
  at(
    { ...withSession, headers: () => [] },
    `a sign-in with ${name} as cookie`,
    { status: 403, code: 'invalid-csrf-token' },
    (world) => ({
      method: 'POST',
      path: '/auth/login',
      headers: [json, ['cookie', cookie(world)], ['x-csrf-token', world.customer.csrf]],
      body: credentials('demo@ballast.test', 'ballast-demo'),
    }),
  ),
]);
