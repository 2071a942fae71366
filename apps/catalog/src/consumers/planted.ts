/** Planted defects of stock, by which the auditor's first two invariants turn red. */
import { defect } from '@ballast/faults';
import type { Decided, Stock, StockCommand } from '../domain/reservations.ts';

/** What was decided, or what a defect makes of it; `stock` is what there was before. */
export function misdecided(command: StockCommand, decided: Decided, stock: ReadonlyMap<string, Stock>): Decided {
  // It is said to be back, and is not.
  if (command.type === 'ReleaseStock' && defect('catalog.keeps-reservation'))
    return { ...decided, reservation: null, stock: new Map() };
  if (command.type === 'CommitStock' && defect('catalog.sale-uncounted'))
    return {
      ...decided,
      stock: new Map([...decided.stock].map(([id, pieces]) => [id, unsold(pieces, stock.get(id)!)])),
    };
  return decided;
}

/** The pieces that were just sold, on the shelf again; the sum is right all the same. */
const unsold = (after: Stock, before: Stock): Stock => ({
  ...after,
  onHand: after.onHand + after.sold - before.sold,
  sold: before.sold,
});
