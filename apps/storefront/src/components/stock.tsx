/** How many pieces are on hand, in words and with a mark. */

/** From this many pieces down the number is told. */
const fewPieces = 5;

export function Stock({ onHand }: { onHand: number }) {
  if (onHand <= 0) return <span class="stock stock-none">Sold out</span>;
  if (onHand <= fewPieces) return <span class="stock stock-few">Only {onHand} left</span>;
  return <span class="stock stock-good">In stock</span>;
}
