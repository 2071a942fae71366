/** Products as pages and services see them. */
import { Type, type Static } from 'typebox';
import { Money, Uuid } from './primitives.ts';

/** One product. `onHand` is what can be ordered now: reserved and sold pieces are not in it. */
export const Product = Type.Object({
  productId: Uuid,
  slug: Type.String(),
  name: Type.String(),
  description: Type.String(),
  category: Type.String(),
  price: Money,
  /** Path of the picture below the shop's own origin. */
  image: Type.String(),
  onHand: Type.Integer({ minimum: 0 }),
});
export type Product = Static<typeof Product>;

/** A page of products; `nextCursor` is opaque, null on the last page. */
export const ProductPage = Type.Object({
  items: Type.Array(Product),
  nextCursor: Type.Union([Type.String(), Type.Null()]),
});
export type ProductPage = Static<typeof ProductPage>;

export const ProductQuery = Type.Object(
  {
    query: Type.Optional(Type.String({ maxLength: 100 })),
    cursor: Type.Optional(Type.String({ maxLength: 200 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 24 })),
  },
  { additionalProperties: false },
);
export type ProductQuery = Static<typeof ProductQuery>;

export const ProductParams = Type.Object({ id: Uuid }, { additionalProperties: false });

/** An operator's correction of the stock on hand. */
export const StockUpdate = Type.Object(
  { onHand: Type.Integer({ minimum: 0, maximum: 1_000_000 }) },
  { additionalProperties: false },
);
export type StockUpdate = Static<typeof StockUpdate>;

/** Price and name of products by id, for services: unknown ids are simply not in the answer. */
export const QuoteRequest = Type.Object(
  { productIds: Type.Array(Uuid, { minItems: 1, maxItems: 50 }) },
  { additionalProperties: false },
);
export const QuoteResponse = Type.Object({
  items: Type.Array(Type.Object({ productId: Uuid, name: Type.String(), price: Money })),
});
export type QuoteResponse = Static<typeof QuoteResponse>;
