/**
 * What becomes of an order's stock. Pure: a command, what is known of the order and the products' stock go in; the new
 * reservation, the moved pieces and the event to tell come out.
 *
 * Pieces move on hand → reserved → sold, or from reserved back on hand. An order's reservation:
 *
 * | on ↓ in →    | unknown         | reserved      | committed     | released      | rejected        |
 * | ------------ | --------------- | ------------- | ------------- | ------------- | --------------- |
 * | ReserveStock | set aside, or rejected | told again | told again | rejected: order-given-up | told again |
 * | ReleaseStock | released (a tombstone) | put back   | refused    | told again    | released        |
 * | CommitStock  | commit rejected | sold          | told again    | commit rejected | commit rejected |
 *
 * Commands may come twice, under new ids, and in any order, so every cell has an answer. Only un-selling has none: the
 * saga never asks for it, and a message that does belongs before a person.
 */
import type { MessageBody } from '@ballast/contracts';

/** Pieces of one product. */
export interface Stock {
  onHand: number;
  reserved: number;
  sold: number;
}

/** Stock by product id. */
export type StockByProduct = ReadonlyMap<string, Stock>;

export interface Line {
  productId: string;
  quantity: number;
}

/** A line that asked for more than there was. */
export interface Shortage {
  productId: string;
  requested: number;
  available: number;
}

/** What was decided about an order. `expiresAt` is an RFC 3339 instant. */
export type Reservation =
  | { state: 'reserved'; lines: readonly Line[]; expiresAt: string }
  | { state: 'committed'; lines: readonly Line[]; expiresAt: string }
  | { state: 'released' }
  | { state: 'rejected'; code: string; shortages: readonly Shortage[] };

/** A reservation, or that there is none. */
export type Known = Reservation | { state: 'unknown' };

/** `expiresAt` is when a reservation made now is to end. */
export type StockCommand =
  | { type: 'ReserveStock'; orderId: string; lines: readonly Line[]; expiresAt: string }
  | { type: 'ReleaseStock'; orderId: string }
  | { type: 'CommitStock'; orderId: string };

type StockEventType = 'StockReserved' | 'StockRejected' | 'StockReleased' | 'StockCommitted' | 'StockCommitRejected';
export type StockEvent = { [Type in StockEventType]: { type: Type; body: MessageBody<Type> } }[StockEventType];

export interface Decided {
  /** What to write down about the order; null when that stays as it is. */
  reservation: Reservation | null;
  /** New stock of the products whose pieces moved. */
  stock: StockByProduct;
  event: StockEvent;
}

/** The command can have no effect and no answer; `refused` is the reason in words. */
export interface Refused {
  refused: string;
}

type Rule<Type extends StockCommand['type'], State extends Known['state']> = (
  command: Extract<StockCommand, { type: Type }>,
  known: Extract<Known, { state: State }>,
  stock: StockByProduct,
) => Decided | Refused;

type Table = { [Type in StockCommand['type']]: { [State in Known['state']]: Rule<Type, State> } };

const nothingMoved: StockByProduct = new Map();

const tell = (event: StockEvent, reservation: Reservation | null = null, stock = nothingMoved): Decided => ({
  reservation,
  stock,
  event,
});
const reserved = (orderId: string, expiresAt: string): StockEvent => ({
  type: 'StockReserved',
  body: { orderId, expiresAt },
});
const released = (orderId: string): StockEvent => ({ type: 'StockReleased', body: { orderId } });
const committed = (orderId: string): StockEvent => ({ type: 'StockCommitted', body: { orderId } });
const rejected = (orderId: string, code: string, shortages: readonly Shortage[]): StockEvent => ({
  type: 'StockRejected',
  body: { orderId, code, shortages: [...shortages] },
});
const commitRejected = (orderId: string): StockEvent => ({
  type: 'StockCommitRejected',
  body: { orderId, code: 'reservation-gone' },
});

const rules: Table = {
  ReserveStock: {
    unknown: setAside,
    reserved: ({ orderId }, { expiresAt }) => tell(reserved(orderId, expiresAt)),
    committed: ({ orderId }, { expiresAt }) => tell(reserved(orderId, expiresAt)),
    released: ({ orderId }) => tell(rejected(orderId, 'order-given-up', [])),
    rejected: ({ orderId }, { code, shortages }) => tell(rejected(orderId, code, shortages)),
  },
  ReleaseStock: {
    unknown: ({ orderId }) => tell(released(orderId), { state: 'released' }),
    reserved: ({ orderId }, { lines }, stock) =>
      tell(
        released(orderId),
        { state: 'released' },
        move(stock, lines, (pieces, quantity) => ({
          ...pieces,
          onHand: pieces.onHand + quantity,
          reserved: pieces.reserved - quantity,
        })),
      ),
    committed: ({ orderId }) => ({ refused: `the stock of order ${orderId} is sold and cannot be released` }),
    released: ({ orderId }) => tell(released(orderId)),
    rejected: ({ orderId }) => tell(released(orderId), { state: 'released' }),
  },
  CommitStock: {
    unknown: ({ orderId }) => tell(commitRejected(orderId)),
    reserved: ({ orderId }, { lines, expiresAt }, stock) =>
      tell(
        committed(orderId),
        { state: 'committed', lines, expiresAt },
        move(stock, lines, (pieces, quantity) => ({
          ...pieces,
          reserved: pieces.reserved - quantity,
          sold: pieces.sold + quantity,
        })),
      ),
    committed: ({ orderId }) => tell(committed(orderId)),
    released: ({ orderId }) => tell(commitRejected(orderId)),
    rejected: ({ orderId }) => tell(commitRejected(orderId)),
  },
};

/** Decides one command. `stock` holds the products of `productsConcerned`; those that do not exist are not in it. */
export function decide(command: StockCommand, known: Known, stock: StockByProduct): Decided | Refused {
  // Each cell is typed by its row and column; which cell it is, only the values say.
  const rule = rules[command.type][known.state] as Rule<StockCommand['type'], Known['state']>;
  return rule(command, known, stock);
}

/** Products whose pieces the command may move. */
export function productsConcerned(command: StockCommand, known: Known): readonly string[] {
  if (command.type === 'ReserveStock') {
    return known.state === 'unknown' ? command.lines.map((line) => line.productId) : [];
  }
  return known.state === 'reserved' ? known.lines.map((line) => line.productId) : [];
}

/** All lines or none. */
function setAside(
  command: Extract<StockCommand, { type: 'ReserveStock' }>,
  _known: { state: 'unknown' },
  stock: StockByProduct,
): Decided {
  const { orderId, expiresAt } = command;
  const lines = addUp(command.lines);
  const shortages = lines
    .map(({ productId, quantity }) => ({
      productId,
      requested: quantity,
      available: stock.get(productId)?.onHand ?? 0,
    }))
    .filter(({ requested, available }) => requested > available);
  if (shortages.length > 0) {
    const code = lines.some(({ productId }) => !stock.has(productId)) ? 'unknown-product' : 'insufficient-stock';
    return tell(rejected(orderId, code, shortages), { state: 'rejected', code, shortages });
  }
  return tell(
    reserved(orderId, expiresAt),
    { state: 'reserved', lines, expiresAt },
    move(stock, lines, (pieces, quantity) => ({
      ...pieces,
      onHand: pieces.onHand - quantity,
      reserved: pieces.reserved + quantity,
    })),
  );
}

/** One line per product. */
function addUp(lines: readonly Line[]): Line[] {
  const quantities = new Map<string, number>();
  for (const { productId, quantity } of lines) quantities.set(productId, (quantities.get(productId) ?? 0) + quantity);
  return [...quantities].map(([productId, quantity]) => ({ productId, quantity }));
}

function move(
  stock: StockByProduct,
  lines: readonly Line[],
  change: (pieces: Stock, quantity: number) => Stock,
): StockByProduct {
  return new Map(
    lines.map(({ productId, quantity }) => {
      const pieces = stock.get(productId);
      if (pieces === undefined) throw new Error(`product ${productId} has pieces reserved but is not known`);
      return [productId, change(pieces, quantity)];
    }),
  );
}
