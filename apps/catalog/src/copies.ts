/** Copies of products, kept as they are answered: the bytes of the body and its entity tag. */
import { createCache, type Cache, type CacheOptions, type Change } from '@ballast/cache';
import { Product } from '@ballast/contracts';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { entityTag } from './routes/versions.ts';
import type { MovedProduct } from './store/reservations.ts';
import type { VersionedProduct } from './store/products.ts';

/** A product, ready to be sent. */
export interface ProductCopy {
  version: string;
  etag: string;
  /** Orders the versions of one product. */
  revision: number;
  /** The product as JSON. */
  body: string;
  onHand: number;
}

export type ProductCopies = Cache<ProductCopy>;

const shapeCheck = Compile(
  Type.Object(
    { version: Type.String({ pattern: '^\\d+$' }), revision: Type.Integer({ minimum: 0 }), product: Product },
    { additionalProperties: false },
  ),
);

/** `prefix` keeps meshes that share a Redis apart; it ends with what to change when the form of a copy changes. */
export function createProductCopies(options: {
  find: (productId: string) => Promise<VersionedProduct | null>;
  redisUrl: string;
  prefix: string;
  onTrouble: NonNullable<CacheOptions<ProductCopy>['onTrouble']>;
  onBack: () => void;
}): ProductCopies {
  const { find, redisUrl, prefix, onTrouble, onBack } = options;
  return createCache<ProductCopy>({
    name: 'products',
    load: async (productId) => {
      const found = await find(productId);
      return found === null ? null : { revision: found.revision, value: toCopy(found) };
    },
    ...(redisUrl === '' ? {} : { redis: { url: redisUrl, prefix: `${prefix}.catalog.products.2:`, encode, decode } }),
    onTrouble,
    onBack,
  });
}

/** What to tell the cache once the transaction that wrote these rows has committed. */
export const changesOf = (moved: readonly MovedProduct[]): Change[] =>
  moved.map(({ productId, revision }) => ({ key: productId, revision }));

const toCopy = ({ version, revision, product }: VersionedProduct): ProductCopy => ({
  version,
  revision,
  etag: entityTag(version),
  body: JSON.stringify(product),
  onHand: product.onHand,
});

const encode = ({ version, revision, body }: ProductCopy): string =>
  `{"version":"${version}","revision":${revision},"product":${body}}`;

function decode(text: string): ProductCopy | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  return shapeCheck.Check(value) ? toCopy(value) : null;
}
