/** Wrong JSON bodies as text, because half of them no serialiser would write. */
import type { Refusal } from './case.ts';

/** What is wrong, the body (`$P` stands for a product id), and how it is refused. */
export type BadBody = readonly [name: string, body: string | Buffer, refusal: Refusal];

const malformed: Refusal = { status: 400, code: 'malformed-json' };
const invalid = (field?: string): Refusal => ({
  status: 422,
  code: 'invalid-input',
  ...(field === undefined ? {} : { field }),
});
const tooLarge: Refusal = { status: 413, code: 'too-large' };

/** Deep enough to exhaust the stack of anything recursive, small enough to be read: some 60 kB. */
const deep = (core: string): string => `${'['.repeat(30_000)}${core}${']'.repeat(30_000)}`;

/** Bodies that are wrong for every route with a JSON body of at most 64 KiB. `smallest` is a limit below that, in bytes. */
export function anyBody(smallest = 64 * 1024): BadBody[] {
  const small = (name: string, body: string | Buffer, refusal: Refusal): BadBody => [
    name,
    body,
    Buffer.byteLength(body) > smallest ? tooLarge : refusal,
  ];
  return [
    ['broken JSON', '{"lines":', malformed],
    ['JSON with something behind it', '{} {}', malformed],
    ['single quotes', "{'lines':[]}", malformed],
    ['a comment', '/* */ {}', malformed],
    ['NaN', '{"lines":NaN}', malformed],
    ['plain text', 'hello', malformed],
    ['XML', '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><x>&y;</x>', malformed],
    ['a form', 'email=a&password=b', malformed],
    ['UTF-16', Buffer.from('{"lines":[]}', 'utf16le'), malformed],
    ['random bytes', Buffer.from([0xff, 0xfe, 0x00, 0x80, 0xc0, 0xaf, 0x1f, 0x8b]), malformed],
    ['a zero byte', Buffer.from('{"a":"\0"}'), malformed],
    ['a __proto__ key', '{"__proto__":{"roles":["operator"]}}', malformed],
    ['an escaped __proto__ key', '{"\\u005f_proto__":{"roles":["operator"]}}', malformed],
    ['a constructor with a prototype', '{"constructor":{"prototype":{"roles":["operator"]}}}', malformed],
    ['nothing', '', invalid()],
    ['white space', ' \n\t ', invalid()],
    ['a byte order mark and nothing right', '\ufeff{"unknown":1}', { status: [400, 422] }],
    ['null', 'null', invalid()],
    ['true', 'true', invalid()],
    ['a number', '1e400', invalid()],
    ['a string', '"hello"', invalid()],
    ['a list', '[{}]', invalid()],
    ['an empty object', '{}', invalid()],
    ['a lone surrogate as a key', '{"\\ud800":1}', invalid()],
    ['code zero as a key', '{"\\u0000":1}', invalid()],
    small('30,000 levels', deep(''), invalid()),
    small('30,000 levels around an escape', deep('"\\u0041"'), invalid()),
    small(
      '30,000 objects in each other around an escape',
      `${'{"a":'.repeat(9_000)}"\\u0041"${'}'.repeat(9_000)}`,
      invalid(),
    ),
    small('7,000 levels around an escape', `${'['.repeat(7_000)}"\\u0041"${']'.repeat(7_000)}`, invalid()),
    ['50,000 levels, more than is read', `${'['.repeat(50_000)}${']'.repeat(50_000)}`, tooLarge],
    ['10 MB of JSON', `"${'x'.repeat(10_000_000)}"`, tooLarge],
    ['10 MB of zeroes', Buffer.alloc(10_000_000), tooLarge],
  ];
}

/** Content types other than JSON, and none. */
export const contentTypes: readonly string[] = [
  'text/plain',
  'text/html',
  'application/xml',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/json-patch+json',
  'application/jsonx',
  'application/octet-stream',
  ';',
  'a',
  '',
];

const payment = '{"provider":"stripe","method":"pm_card_visa"}';
const order = (lines: string, paying = payment): string => `{"lines":${lines},"payment":${paying}}`;
const line = (quantity: string, product = '"$P"'): string => order(`[{"productId":${product},"quantity":${quantity}}]`);
const many = (count: number): string =>
  `[${Array.from({ length: count }, (_, index) => `{"productId":"00000000-0000-7000-8000-${String(index).padStart(12, '0')}","quantity":1}`).join(',')}]`;

const quantityOf = 'lines.0.quantity';
const productOf = 'lines.0.productId';

/** What is no number of pieces. */
const quantities: readonly (readonly [string, string])[] = [
  ['-1', '-1'],
  ['0', '0'],
  ['minus zero', '-0'],
  ['1.5', '1.5'],
  ['a tiny fraction above one', '1.0000000000000002'],
  ['0.1', '1e-1'],
  ['101', '101'],
  ['a million', '1000000'],
  ['2^31', '2147483648'],
  ['-2^31', '-2147483648'],
  ['2^53 + 1', '9007199254740993'],
  ['2^63', '9223372036854775808'],
  ['a hundred digits', '9'.repeat(100)],
  ['1e400', '1e400'],
  ['-1e400', '-1e400'],
  ['"1"', '"1"'],
  ['"one"', '"one"'],
  ['"NaN"', '"NaN"'],
  ['""', '""'],
  ['null', 'null'],
  ['true', 'true'],
  ['a list', '[1]'],
  ['an object', '{"$gt":0}'],
];

/** What is no number at all, in JSON. */
const noNumbers = ['NaN', 'Infinity', '-Infinity', '+1', '01', '0x10', '1_000', '.5', '1.', '1n', 'undefined', '１'];

/** Bodies that are wrong for an order. */
export const orderBodies: readonly BadBody[] = [
  ...quantities.map(([name, text]): BadBody => [`a quantity of ${name}`, line(text), invalid(quantityOf)]),
  ...noNumbers.map((text): BadBody => [`a quantity of ${text}`, line(text), malformed]),
  ['no quantity', order('[{"productId":"$P"}]'), invalid(quantityOf)],
  ['a second quantity that is wrong', order('[{"productId":"$P","quantity":1,"quantity":-1}]'), invalid(quantityOf)],
  [
    'an unknown product',
    line('1', '"01900000-0000-7000-8000-000000000000"'),
    { status: 422, code: 'unknown-product', field: productOf },
  ],
  ['the zero product', line('1', '"00000000-0000-0000-0000-000000000000"'), { status: 422, field: productOf }],
  ['a product that is no id', line('1', '"mug"'), invalid(productOf)],
  ['a product in braces', line('1', '"{$P}"'), invalid(productOf)],
  ['a product and more', line('1', '"$P "'), invalid(productOf)],
  ['a product and a line break', line('1', '"$P\\n"'), invalid(productOf)],
  ['a product with code zero', line('1', '"$P\\u0000"'), invalid(productOf)],
  ['a product with a lone surrogate', line('1', '"\\ud800"'), invalid(productOf)],
  ['an injected product', line('1', '"\' OR 1=1 --"'), invalid(productOf)],
  ['a number as product', line('1', '1'), invalid(productOf)],
  ['null as product', line('1', 'null'), invalid(productOf)],
  ['a product of 50,000 characters', line('1', `"${'a'.repeat(50_000)}"`), invalid(productOf)],
  ['no product', order('[{"quantity":1}]'), invalid(productOf)],
  [
    'one product in two lines',
    order('[{"productId":"$P","quantity":1},{"productId":"$P","quantity":2}]'),
    invalid('lines.1.productId'),
  ],
  ['no lines', order('[]'), invalid('lines')],
  ['51 lines', order(many(51)), invalid('lines')],
  ['lines that are an object', order('{"0":{"productId":"$P","quantity":1}}'), invalid('lines')],
  ['lines that are null', order('null'), invalid('lines')],
  ['a line that is null', order('[null]'), invalid('lines.0')],
  ['a line that is a list', order('[["$P",1]]'), invalid('lines.0')],
  ['lines missing', `{"payment":${payment}}`, invalid('lines')],
  [
    'a price in a line',
    order('[{"productId":"$P","quantity":1,"price":{"amount":1,"currency":"EUR"}}]'),
    invalid('lines.0.price'),
  ],
  ['a unit price in a line', order('[{"productId":"$P","quantity":1,"unitPrice":1}]'), invalid('lines.0.unitPrice')],
  ['a discount in a line', order('[{"productId":"$P","quantity":1,"discount":100}]'), invalid('lines.0.discount')],
  [
    'a total',
    `{"lines":[{"productId":"$P","quantity":1}],"payment":${payment},"total":{"amount":1,"currency":"EUR"}}`,
    invalid('total'),
  ],
  ['a price', `{"price":1,"lines":[{"productId":"$P","quantity":1}],"payment":${payment}}`, invalid('price')],
  [
    'another user',
    `{"userId":"01900000-0000-7000-8000-000000000000","lines":[{"productId":"$P","quantity":1}],"payment":${payment}}`,
    invalid('userId'),
  ],
  [
    'an order id',
    `{"orderId":"01900000-0000-7000-8000-000000000000","lines":[{"productId":"$P","quantity":1}],"payment":${payment}}`,
    invalid('orderId'),
  ],
  ['a state', `{"state":"Completed","lines":[{"productId":"$P","quantity":1}],"payment":${payment}}`, invalid('state')],
  ['a __proto__ in a line', order('[{"productId":"$P","quantity":1,"__proto__":{"price":1}}]'), malformed],
  ['no payment', '{"lines":[{"productId":"$P","quantity":1}]}', invalid('payment')],
  ['payment by null', paid('null'), invalid('payment')],
  ['payment in words', paid('"cash"'), invalid('payment')],
  ['an unknown provider', paid('{"provider":"cash","method":"pm_card_visa"}'), invalid('payment.provider')],
  ['a provider in capitals', paid('{"provider":"STRIPE","method":"pm_card_visa"}'), invalid('payment.provider')],
  ['no provider', paid('{"method":"pm_card_visa"}'), invalid('payment.provider')],
  ['no method', paid('{"provider":"stripe"}'), invalid('payment.method')],
  ['an empty method', paid('{"provider":"stripe","method":""}'), invalid('payment.method')],
  [
    'a method of 101 characters',
    paid(`{"provider":"stripe","method":"${'a'.repeat(101)}"}`),
    invalid('payment.method'),
  ],
  ['a method that is a path', paid('{"provider":"stripe","method":"../refunds"}'), invalid('payment.method')],
  ['a method with a line break', paid('{"provider":"stripe","method":"pm_card_visa\\n"}'), invalid('payment.method')],
  ['a method with code zero', paid('{"provider":"stripe","method":"pm\\u0000"}'), invalid('payment.method')],
  ['a method with a lone surrogate', paid('{"provider":"stripe","method":"pm\\udc00"}'), invalid('payment.method')],
  ['a method of other letters', paid('{"provider":"stripe","method":"карта"}'), invalid('payment.method')],
  [
    'a method in broken UTF-8',
    Buffer.from(paid('{"provider":"stripe","method":"\u00ff"}'), 'latin1'),
    invalid('payment.method'),
  ],
  ['a number as method', paid('{"provider":"stripe","method":1}'), invalid('payment.method')],
  [
    'an amount in the payment',
    paid('{"provider":"stripe","method":"pm_card_visa","amount":1}'),
    invalid('payment.amount'),
  ],
];

function paid(paying: string): string {
  return order('[{"productId":"$P","quantity":1}]', paying);
}

const account = (email: string, password: string): string => `{"email":${email},"password":${password}}`;
const goodEmail = '"somebody@ballast.test"';
const goodPassword = '"long-enough-to-do"';

/** Bodies that open no account. */
export const registerBodies: readonly BadBody[] = [
  ...[
    '"nobody"',
    '"a@"',
    '"@b.test"',
    '"a b@c.test"',
    '""',
    'null',
    '1',
    '["a@b.test"]',
    `"${'a'.repeat(250)}@b.test"`,
    '"a@b.test\\n"',
  ].map((email): BadBody => [`the address ${email.slice(0, 20)}`, account(email, goodPassword), invalid('email')]),
  ['an address with code zero', account('"a\\u0000@b.test"', goodPassword), invalid('email')],
  ['an address with a lone surrogate', account('"a\\ud800@b.test"', goodPassword), invalid('email')],
  ...['"short"', '""', 'null', '1234567890', '{}', `"${'a'.repeat(201)}"`].map((password): BadBody => [
    `the password ${password.slice(0, 20)}`,
    account(goodEmail, password),
    invalid('password'),
  ]),
  ['a password with code zero', account(goodEmail, '"0123456789\\u0000"'), invalid('password')],
  ['a password with a lone surrogate', account(goodEmail, '"0123456789\\udfff"'), invalid('password')],
  [
    'roles of its own choice',
    `{"email":${goodEmail},"password":${goodPassword},"roles":["operator"]}`,
    invalid('roles'),
  ],
  ['no password', `{"email":${goodEmail}}`, invalid('password')],
  ['no address', `{"password":${goodPassword}}`, invalid('email')],
  [
    'an address that is taken',
    account('"demo@ballast.test"', goodPassword),
    { status: 409, code: 'conflict', field: 'email' },
  ],
  [
    'an address that is taken, in capitals',
    account('"DEMO@Ballast.Test"', goodPassword),
    { status: 409, code: 'conflict', field: 'email' },
  ],
];

/** Bodies that set no stock. */
export const stockBodies: readonly BadBody[] = [
  ...['-1', '1.5', '1000001', '1e400', '"5"', 'null', '[5]', '{}', 'true'].map((text): BadBody => [
    `${text} on hand`,
    `{"onHand":${text}}`,
    invalid('onHand'),
  ]),
  ['NaN on hand', '{"onHand":NaN}', malformed],
  ['nothing on hand', '{}', invalid('onHand')],
  ['a price', '{"onHand":5,"price":1}', invalid('price')],
  ['what was sold', '{"onHand":5,"sold":0}', invalid('sold')],
];

/** Bodies for which there is no quote. */
export const quoteBodies: readonly BadBody[] = [
  ['no ids', '{"productIds":[]}', invalid('productIds')],
  ['an id that is none', '{"productIds":["mug"]}', invalid('productIds.0')],
  ['51 ids', `{"productIds":[${Array.from({ length: 51 }, () => '"$P"').join(',')}]}`, invalid('productIds')],
  ['a price', '{"productIds":["$P"],"price":1}', invalid('price')],
  ['an id with code zero', '{"productIds":["$P\\u0000"]}', invalid('productIds.0')],
];
