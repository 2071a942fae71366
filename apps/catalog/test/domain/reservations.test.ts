import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededIntegers } from '@ballast/testing';
import {
  decide,
  productsConcerned,
  type Decided,
  type Known,
  type Stock,
  type StockCommand,
} from '../../src/domain/reservations.ts';

const orderId = '019b0000-0000-7000-8000-000000000001';
const [mug, lamp] = ['019b0000-0000-7000-8000-00000000000a', '019b0000-0000-7000-8000-00000000000b'] as const;
const expiresAt = '2026-11-21T10:00:00.000Z';
const lines = [
  { productId: mug, quantity: 2 },
  { productId: lamp, quantity: 1 },
];
const stock = new Map<string, Stock>([
  [mug, { onHand: 5, reserved: 2, sold: 0 }],
  [lamp, { onHand: 1, reserved: 1, sold: 3 }],
]);

const knowns: Record<Known['state'], Known> = {
  unknown: { state: 'unknown' },
  reserved: { state: 'reserved', lines, expiresAt },
  committed: { state: 'committed', lines, expiresAt },
  released: { state: 'released' },
  rejected: {
    state: 'rejected',
    code: 'insufficient-stock',
    shortages: [{ productId: mug, requested: 9, available: 5 }],
  },
};
const commands: Record<StockCommand['type'], StockCommand> = {
  ReserveStock: { type: 'ReserveStock', orderId, lines, expiresAt },
  ReleaseStock: { type: 'ReleaseStock', orderId },
  CommitStock: { type: 'CommitStock', orderId },
};

/** The answer to each command in each state: event, code, state afterwards (null: as before), pieces moved. */
const answers: [StockCommand['type'], Known['state'], string, string | undefined, Known['state'] | null, boolean][] = [
  ['ReserveStock', 'unknown', 'StockReserved', undefined, 'reserved', true],
  ['ReserveStock', 'reserved', 'StockReserved', undefined, null, false],
  ['ReserveStock', 'committed', 'StockReserved', undefined, null, false],
  ['ReserveStock', 'released', 'StockRejected', 'order-given-up', null, false],
  ['ReserveStock', 'rejected', 'StockRejected', 'insufficient-stock', null, false],
  ['ReleaseStock', 'unknown', 'StockReleased', undefined, 'released', false],
  ['ReleaseStock', 'reserved', 'StockReleased', undefined, 'released', true],
  ['ReleaseStock', 'released', 'StockReleased', undefined, null, false],
  ['ReleaseStock', 'rejected', 'StockReleased', undefined, 'released', false],
  ['CommitStock', 'unknown', 'StockCommitRejected', 'reservation-gone', null, false],
  ['CommitStock', 'reserved', 'StockCommitted', undefined, 'committed', true],
  ['CommitStock', 'committed', 'StockCommitted', undefined, null, false],
  ['CommitStock', 'released', 'StockCommitRejected', 'reservation-gone', null, false],
  ['CommitStock', 'rejected', 'StockCommitRejected', 'reservation-gone', null, false],
];

function decided(command: StockCommand, known: Known, of = stock): Decided {
  const result = decide(command, known, of);
  assert.ok(!('refused' in result), 'the command is not refused');
  return result;
}

const reserve = (...wanted: { productId: string; quantity: number }[]): Decided =>
  decided({ type: 'ReserveStock', orderId, lines: wanted, expiresAt }, knowns.unknown);

describe('what becomes of an order’s stock', () => {
  for (const [type, state, event, code, after, moves] of answers) {
    it(`answers ${type} with ${event} when the reservation is ${state}`, () => {
      const result = decided(commands[type], knowns[state]);
      assert.equal(result.event.type, event);
      assert.equal(result.event.body.orderId, orderId);
      assert.equal('code' in result.event.body ? result.event.body.code : undefined, code);
      assert.equal(result.reservation?.state ?? null, after);
      assert.equal(result.stock.size > 0, moves);
      assert.equal(productsConcerned(commands[type], knowns[state]).length > 0, moves);
    });
  }

  it('has an answer for every command in every state but un-selling', () => {
    const cells = Object.keys(commands).flatMap((type) => Object.keys(knowns).map((state) => `${type} ${state}`));
    const answered = new Set(answers.map(([type, state]) => `${type} ${state}`));
    assert.deepEqual(
      cells.filter((cell) => !answered.has(cell)),
      ['ReleaseStock committed'],
    );
    assert.match((decide(commands.ReleaseStock, knowns.committed, stock) as { refused: string }).refused, /sold/);
  });

  it('moves pieces from on hand to reserved, to sold, or back', () => {
    assert.deepEqual(
      [...decided(commands.ReserveStock, knowns.unknown).stock],
      [
        [mug, { onHand: 3, reserved: 4, sold: 0 }],
        [lamp, { onHand: 0, reserved: 2, sold: 3 }],
      ],
    );
    assert.deepEqual(
      [...decided(commands.CommitStock, knowns.reserved).stock],
      [
        [mug, { onHand: 5, reserved: 0, sold: 2 }],
        [lamp, { onHand: 1, reserved: 0, sold: 4 }],
      ],
    );
    assert.deepEqual(
      [...decided(commands.ReleaseStock, knowns.reserved).stock],
      [
        [mug, { onHand: 7, reserved: 0, sold: 0 }],
        [lamp, { onHand: 2, reserved: 0, sold: 3 }],
      ],
    );
  });

  it('reserves nothing when one line is short, and names the short ones', () => {
    const result = reserve({ productId: mug, quantity: 1 }, { productId: lamp, quantity: 2 });
    const shortages = [{ productId: lamp, requested: 2, available: 1 }];
    assert.deepEqual(result.event.body, { orderId, code: 'insufficient-stock', shortages });
    assert.deepEqual(result.reservation, { state: 'rejected', code: 'insufficient-stock', shortages });
    assert.equal(result.stock.size, 0);
  });

  it('tells an unknown product from one that is sold out', () => {
    const stranger = '019b0000-0000-7000-8000-00000000000c';
    const result = reserve({ productId: stranger, quantity: 1 }, { productId: mug, quantity: 6 });
    assert.deepEqual(result.event.body, {
      orderId,
      code: 'unknown-product',
      shortages: [
        { productId: stranger, requested: 1, available: 0 },
        { productId: mug, requested: 6, available: 5 },
      ],
    });
  });

  it('adds up lines of the same product before it looks at the shelf', () => {
    const fits = reserve({ productId: mug, quantity: 2 }, { productId: mug, quantity: 3 });
    assert.deepEqual(fits.reservation, { state: 'reserved', lines: [{ productId: mug, quantity: 5 }], expiresAt });
    const short = reserve({ productId: mug, quantity: 3 }, { productId: mug, quantity: 3 });
    assert.deepEqual(short.event.body, {
      orderId,
      code: 'insufficient-stock',
      shortages: [{ productId: mug, requested: 6, available: 5 }],
    });
  });

  it('keeps every piece accounted for, all lines or none, over any sequence of commands', () => {
    for (let seed = 1; seed <= 200; seed += 1) walk(seed);
  });
});

/** Applies 150 random commands on 12 orders and 4 products, checking the books after each. */
function walk(seed: number): void {
  const random = seededIntegers(seed);
  const products = Array.from({ length: 4 }, (_, index) => `product-${index}`);
  const shelf = new Map<string, Stock>(products.map((id) => [id, { onHand: random(30), reserved: 0, sold: 0 }]));
  const initial = new Map([...shelf].map(([id, pieces]) => [id, pieces.onHand]));
  const orders = new Map<string, Known>();
  for (let step = 0; step < 150; step += 1) {
    const order = `order-${random(12)}`;
    const type = (['ReserveStock', 'ReserveStock', 'ReleaseStock', 'CommitStock'] as const)[random(4)]!;
    const wanted = Array.from({ length: 1 + random(4) }, () => ({
      // Now and then a product that does not exist.
      productId: random(40) === 0 ? 'product-x' : products[random(4)]!,
      quantity: 1 + random(6),
    }));
    const given: StockCommand =
      type === 'ReserveStock' ? { type, orderId: order, lines: wanted, expiresAt } : { type, orderId: order };
    const before = orders.get(order) ?? { state: 'unknown' };
    const concerned = new Map([...shelf].filter(([id]) => productsConcerned(given, before).includes(id)));
    const result = decide(given, before, concerned);
    if ('refused' in result) {
      assert.equal(before.state, 'committed');
      continue;
    }
    const moved = [...result.stock].reduce(
      (sum, [id, pieces]) => sum + Math.abs(pieces.onHand - shelf.get(id)!.onHand),
      0,
    );
    if (given.type === 'ReserveStock' && before.state === 'unknown') {
      const all = wanted.reduce((sum, line) => sum + line.quantity, 0);
      assert.equal(moved, result.event.type === 'StockReserved' ? all : 0, `seed ${seed}: all lines or none`);
    }
    for (const [id, pieces] of result.stock) shelf.set(id, pieces);
    if (result.reservation !== null) orders.set(order, result.reservation);
    for (const [id, pieces] of shelf) checkProduct(seed, id, pieces, initial.get(id)!, orders);
  }
}

function checkProduct(seed: number, id: string, pieces: Stock, initial: number, orders: Map<string, Known>): void {
  const held = (state: Known['state']): number =>
    [...orders.values()]
      .filter((known) => known.state === state)
      .flatMap((known) => ('lines' in known ? known.lines : []))
      .filter((line) => line.productId === id)
      .reduce((sum, line) => sum + line.quantity, 0);
  assert.ok(Math.min(pieces.onHand, pieces.reserved, pieces.sold) >= 0, `seed ${seed}: nothing negative`);
  assert.equal(pieces.onHand + pieces.reserved + pieces.sold, initial, `seed ${seed}: no piece lost or made`);
  assert.equal(pieces.reserved, held('reserved'), `seed ${seed}: reserved pieces belong to orders`);
  assert.equal(pieces.sold, held('committed'), `seed ${seed}: sold pieces belong to orders`);
}
