/** The products and means of payment the demonstrations work with, loaded once for all of them. */
import { signal } from '@preact/signals';
import type { PaymentMethod, Product } from '@ballast/contracts';
import { getPaymentMethods, getProducts } from '../api/calls.ts';

export type Supplies = { products: readonly Product[]; methods: readonly PaymentMethod[] };

export const supplies = signal<Supplies>({ products: [], methods: [] });

/** Loads both anew: stock changes with every demonstration. Throws `ApiError`. */
export async function loadSupplies(signal: AbortSignal): Promise<Supplies> {
  const [page, methods] = await Promise.all([getProducts('', null, signal), getPaymentMethods(signal)]);
  supplies.value = { products: page.items, methods };
  return supplies.value;
}

/** Loads the products alone. Throws `ApiError`. */
export async function reloadProducts(signal: AbortSignal): Promise<readonly Product[]> {
  const page = await getProducts('', null, signal);
  supplies.value = { ...supplies.value, products: page.items };
  return page.items;
}
