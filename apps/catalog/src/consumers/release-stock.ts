/** ReleaseStock: put an order's pieces back on hand, and take no reservation for it any more. */
import type { MessageBody } from '@ballast/contracts';
import type { StockCommand } from '../domain/reservations.ts';

export function releaseStock(body: MessageBody<'ReleaseStock'>): StockCommand {
  return { type: 'ReleaseStock', orderId: body.orderId.toLowerCase() };
}
