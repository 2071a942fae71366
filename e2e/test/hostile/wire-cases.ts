/** What is wrong below the level of any route: methods, paths, framing, bytes that are not HTTP at all. */
import type { Case, Refusal } from './case.ts';
import type { World } from './world.ts';
import { services } from './world.ts';

const gone: Refusal = { status: [404, 405], code: ['not-found', 'method-not-allowed'] };
const badRequest: Refusal = { status: 400, code: 'bad-request' };

/** Routes of each service, with the methods they have. */
const routes: Record<(typeof services)[number], readonly (readonly [path: string, methods: readonly string[]])[]> = {
  bff: [
    ['/api/session', ['GET', 'HEAD']],
    ['/api/auth/login', ['POST']],
    ['/api/products', ['GET', 'HEAD']],
    ['/api/orders', ['GET', 'HEAD', 'POST']],
    ['/api/payment-methods', ['GET', 'HEAD']],
    ['/webhooks/stripe', ['POST']],
    ['/healthz', ['GET', 'HEAD']],
    ['/metrics', ['GET', 'HEAD']],
  ],
  identity: [
    ['/login', ['POST']],
    ['/register', ['POST']],
    ['/refresh', ['POST']],
    ['/logout', ['POST']],
    ['/.well-known/jwks.json', ['GET', 'HEAD']],
  ],
  'catalog-1': [
    ['/products', ['GET', 'HEAD']],
    ['/products/quote', ['GET', 'HEAD', 'POST']],
    ['/openapi.json', ['GET', 'HEAD']],
  ],
  'checkout-1': [
    ['/orders', ['GET', 'HEAD', 'POST']],
    ['/sagas/place-order', ['GET', 'HEAD']],
  ],
  payments: [
    ['/webhooks/stripe', ['POST']],
    ['/webhooks/paypal', ['POST']],
    ['/payment-methods', ['GET', 'HEAD']],
    ['/readyz', ['GET', 'HEAD']],
  ],
};

/** Methods a route does not have. */
export const methodCases: readonly Case[] = services.flatMap((service) =>
  routes[service].flatMap(([path, methods]) =>
    ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']
      .filter((method) => !methods.includes(method))
      .map((method): Case => ({
        name: `${method} ${path}`,
        service,
        refusal: gone,
        request: () => ({ method, path }),
      })),
  ),
);

const paths: readonly (readonly [string, string, Refusal])[] = [
  ['an address nobody has', '/nothing/here', { status: 404, code: 'not-found' }],
  ['a path up and out', '/../../../../etc/passwd', { status: 404, code: 'not-found' }],
  ['an encoded path up and out', '/%2e%2e/%2e%2e/%2e%2e/etc/passwd', { status: [400, 403, 404] }],
  ['an encoded slash up and out', '/..%2f..%2f..%2fetc%2fpasswd', { status: [400, 403, 404] }],
  ['a file of the repository', '/package.json', { status: 404, code: 'not-found' }],
  ['a hidden file', '/.env', { status: 404, code: 'not-found' }],
  ['code zero', '/a%00b', { status: [400, 404] }],
  ['code zero in a file', '/a%00.png', { status: [400, 404] }],
  ['broken percent-encoding', '/%zz', { status: [400, 404] }],
  ['broken percent-encoding in a file', '/%zz.png', { status: [400, 404] }],
  ['a half character', '/%c3', { status: [400, 404] }],
  ['12,000 characters', `/${'a'.repeat(12_000)}`, { status: [404, 414] }],
  ['3,000 folders', '/a'.repeat(3_000), { status: [404, 414] }],
  ['a backslash', '/..\\..\\etc', { status: [400, 404] }],
  ['an address of somebody else', 'http://evil.example/nothing', { status: [400, 404] }],
  ['a slash too many', '//healthz', { status: 404 }],
  ['an asterisk', '*', { status: [400, 404] }],
];

/** Addresses where nothing is. */
export const pathCases: readonly Case[] = services.flatMap((service) =>
  paths.map(([name, path, refusal]): Case => ({
    name: `GET ${name}`,
    service,
    refusal,
    request: () => ({ method: 'GET', path }),
  })),
);

const host = 'Host: ballast.test\r\n';
const end = 'Connection: close\r\n\r\n';
/** A route with a body at each service. */
const posts: Record<string, string> = {
  bff: '/webhooks/stripe',
  identity: '/login',
  'catalog-1': '/products/quote',
  'checkout-1': '/orders',
  payments: '/webhooks/stripe',
};
const tooLarge: Refusal = { status: 413, code: 'too-large' };
const megabytes = 'x'.repeat(10_000_000);
const chunked = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

/**
 * Bytes as they are sent: `$POST` is a path that takes a body, `$TOKEN` lets it be read. What is sent in megabytes keeps its connection,
 * as browsers and service clients do: whoever announces to hang up is hung up on, and may miss the answer.
 */
const raw: readonly (readonly [string, string, Refusal])[] = [
  ['a greeting that is not HTTP', 'EHLO ballast.test\r\n\r\n', badRequest],
  ['a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', badRequest],
  ['zeroes', '\0'.repeat(1_000), badRequest],
  ['random bytes', '\xde\xad\xbe\xef\x00\xff\r\n\r\n', badRequest],
  ['a line break a thousand times, then nothing of use', `${'\r\n'.repeat(1_000)}x\r\n\r\n`, badRequest],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', badRequest],
  ['a method nobody knows', `BREW /healthz HTTP/1.1\r\n${host}${end}`, badRequest],
  ['a version nobody knows', `GET /healthz HTTP/9.9\r\n${host}${end}`, badRequest],
  ['no version', 'GET /nothing\r\n\r\n', { status: [400, 404] }],
  ['no host', `GET /healthz HTTP/1.1\r\n${end}`, badRequest],
  ['two hosts', `GET /nothing HTTP/1.1\r\n${host}${host}${end}`, { status: [400, 404] }],
  ['a space in the path', `GET /a b HTTP/1.1\r\n${host}${end}`, badRequest],
  ['bytes beyond ASCII in the path', `GET /\xe9\xff HTTP/1.1\r\n${host}${end}`, { status: [400, 404] }],
  ['a header without a colon', `GET /healthz HTTP/1.1\r\n${host}nothing\r\n${end}`, badRequest],
  ['a header with a space before the colon', `GET /healthz HTTP/1.1\r\n${host}X-A : 1\r\n${end}`, badRequest],
  ['a header with code zero', `GET /healthz HTTP/1.1\r\n${host}X-A: \0\r\n${end}`, badRequest],
  ['a folded header', `GET /healthz HTTP/1.1\r\n${host}X-A: 1\r\n 2\r\n${end}`, badRequest],
  ['a bare line feed in a header', `GET /healthz HTTP/1.1\n${host}X-A: 1\rX-B: 2\r\n${end}`, badRequest],
  [
    'headers of 20 kB',
    `GET /healthz HTTP/1.1\r\n${host}X-A: ${'a'.repeat(20_000)}\r\n${end}`,
    { status: 431, code: 'headers-too-large' },
  ],
  [
    'headers of 1 MB',
    `GET /healthz HTTP/1.1\r\n${host}${`X-A: ${'a'.repeat(1_000)}\r\n`.repeat(1_000)}${end}`,
    { status: 431, code: 'headers-too-large' },
  ],
  ['a length in words', `POST $POST HTTP/1.1\r\n${host}Content-Length: ten\r\n${end}`, badRequest],
  ['a negative length', `POST $POST HTTP/1.1\r\n${host}Content-Length: -1\r\n${end}`, badRequest],
  ['a fractional length', `POST $POST HTTP/1.1\r\n${host}Content-Length: 1.5\r\n${end}`, badRequest],
  [
    'a length beyond all numbers',
    `POST $POST HTTP/1.1\r\n${host}Content-Length: ${'9'.repeat(40)}\r\n${end}`,
    badRequest,
  ],
  ['two lengths', `POST $POST HTTP/1.1\r\n${host}Content-Length: 2\r\nContent-Length: 3\r\n${end}{}`, badRequest],
  [
    'a length and chunks',
    `POST $POST HTTP/1.1\r\n${host}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n${end}0\r\n\r\n`,
    badRequest,
  ],
  ['an unknown transfer coding', `POST $POST HTTP/1.1\r\n${host}$TOKENTransfer-Encoding: cow\r\n${end}{}`, badRequest],
  [
    'chunks of a size in words',
    `POST $POST HTTP/1.1\r\n${host}$TOKENTransfer-Encoding: chunked\r\n${end}lots\r\n{}\r\n0\r\n\r\n`,
    badRequest,
  ],
  [
    'a chunk beyond all numbers',
    `POST $POST HTTP/1.1\r\n${host}$TOKENTransfer-Encoding: chunked\r\n${end}ffffffffffffffffff\r\n{}\r\n0\r\n\r\n`,
    badRequest,
  ],
  [
    'a chunk longer than it says',
    `POST $POST HTTP/1.1\r\n${host}$TOKENTransfer-Encoding: chunked\r\n${end}1\r\n{}{}{}\r\n0\r\n\r\n`,
    badRequest,
  ],
  [
    'a length of 10 MB and no byte of it',
    `POST $POST HTTP/1.1\r\n${host}$TOKENContent-Length: 10000000\r\n\r\n`,
    tooLarge,
  ],
  ['10 MB', `POST $POST HTTP/1.1\r\n${host}$TOKENContent-Length: 10000000\r\n\r\n${megabytes}`, tooLarge],
  [
    '10 MB in chunks',
    `POST $POST HTTP/1.1\r\n${host}$TOKENTransfer-Encoding: chunked\r\n\r\n${chunked(megabytes)}0\r\n\r\n`,
    tooLarge,
  ],
  [
    '20,000 chunks of 16 bytes',
    `POST $POST HTTP/1.1\r\n${host}$TOKENTransfer-Encoding: chunked\r\n\r\n${chunked('x'.repeat(16)).repeat(20_000)}0\r\n\r\n`,
    tooLarge,
  ],
  [
    '10 MB where no body belongs',
    `GET /nothing HTTP/1.1\r\n${host}Content-Length: 10000000\r\n\r\n${megabytes}`,
    { status: [404, 413] },
  ],
  [
    'an expectation nobody can meet',
    `POST $POST HTTP/1.1\r\n${host}Expect: miracles\r\nContent-Length: 2\r\n${end}{}`,
    { status: 417 },
  ],
  [
    'a tunnel to somewhere',
    `CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n`,
    { status: [400, 404, 405] },
  ],
  [
    'an upgrade to a socket',
    `GET /nothing HTTP/1.1\r\n${host}Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n`,
    { status: [400, 404] },
  ],
];

/** Bytes no client would send, at every port. */
export const rawCases: readonly Case[] = services.flatMap((service) =>
  raw.map(([name, text, refusal]): Case => ({
    name,
    service,
    refusal,
    request: (world: World) =>
      Buffer.from(
        text
          .replace('$POST', posts[service]!)
          .replace(
            '$TOKEN',
            `Authorization: Bearer ${world.customer.accessToken}\r\nContent-Type: application/json\r\n`,
          ),
        'latin1',
      ),
  })),
);
