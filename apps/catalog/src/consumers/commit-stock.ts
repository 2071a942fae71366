/** CommitStock: an order's pieces are sold. */
import type { MessageBody } from '@ballast/contracts';
import type { StockCommand } from '../domain/reservations.ts';

export function commitStock(body: MessageBody<'CommitStock'>): StockCommand {
  return { type: 'CommitStock', orderId: body.orderId.toLowerCase() };
}
