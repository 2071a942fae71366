/** The shop's first assortment, from `seed/products.json`. */
import { readFile } from 'node:fs/promises';
import { Money, Uuid } from '@ballast/contracts';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { SeedProduct } from './store/products.ts';

const text = Type.String({ minLength: 1 });
const seedCheck = Compile(
  Type.Array(
    Type.Object(
      {
        productId: Uuid,
        slug: Type.String({ pattern: '^[a-z0-9]+(-[a-z0-9]+)*$' }),
        name: text,
        description: text,
        category: text,
        price: Money,
        onHand: Type.Integer({ minimum: 0, maximum: 1_000_000 }),
        position: Type.Integer({ minimum: 0 }),
      },
      { additionalProperties: false },
    ),
  ),
);

/** Reads and checks the file; throws an `Error` that names what is wrong in it. */
export async function readSeed(): Promise<SeedProduct[]> {
  const value: unknown = JSON.parse(await readFile(new URL('../seed/products.json', import.meta.url), 'utf8'));
  if (seedCheck.Check(value)) return value;
  const [first] = seedCheck.Errors(value);
  throw new Error(`seed/products.json${first?.instancePath ?? ''} ${first?.message ?? 'is wrong'}`);
}
