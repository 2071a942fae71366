/** ReserveStock: set pieces aside for all lines of an order, or for none. */
import type { MessageBody } from '@ballast/contracts';
import type { StockCommand } from '../domain/reservations.ts';

/** The command; a reservation made by it ends `reservationSeconds` after `now` (ms since the epoch). */
export function reserveStock(
  body: MessageBody<'ReserveStock'>,
  options: { now: number; reservationSeconds: number },
): StockCommand {
  return {
    type: 'ReserveStock',
    // Ids may be written in upper case; rows are found by them as PostgreSQL writes them.
    orderId: body.orderId.toLowerCase(),
    lines: body.lines.map(({ productId, quantity }) => ({ productId: productId.toLowerCase(), quantity })),
    expiresAt: new Date(options.now + options.reservationSeconds * 1000).toISOString(),
  };
}
