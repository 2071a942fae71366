/** The product a demonstration works with: the one that was chosen, or the one of which there is most. */
import { useState } from 'preact/hooks';
import type { Product } from '@ballast/contracts';
import { getProduct } from '../../api/calls.ts';
import { CannotGoOn } from '../../components/lab/task.ts';
import { loadSupplies, reloadProducts, supplies } from '../../state/lab-supplies.ts';
import { plentiful } from '../../lab/choices.ts';

export type ChosenProduct = {
  /** Its id; empty while the list is not loaded. */
  chosen: string;
  choose: (productId: string) => void;
  /** The product as it is now. Throws `ApiError`, or `CannotGoOn` where the shop has none. */
  get: (signal: AbortSignal) => Promise<Product>;
  /** Loads the list anew after the stock was changed. */
  refresh: (signal: AbortSignal) => Promise<unknown>;
};

export function useProduct(): ChosenProduct {
  const [wanted, setWanted] = useState('');
  const usual = plentiful(supplies.value.products)?.productId ?? '';
  const chosen = wanted === '' ? usual : wanted;
  return {
    chosen,
    choose: setWanted,
    get: async (signal) => {
      const known = chosen === '' ? plentiful((await loadSupplies(signal)).products)?.productId : chosen;
      if (known === undefined) throw new CannotGoOn('The shop has no product on hand to try this with.');
      setWanted(known);
      return getProduct(known, signal);
    },
    refresh: reloadProducts,
  };
}
