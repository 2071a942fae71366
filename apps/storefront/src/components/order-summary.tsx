/** Lines and their total, the same way in checkout and on an order's page. */
import type { Money, PricedLine } from '@ballast/contracts';
import { formatMoney, formatTotals, multiply } from '../format/money.ts';

/** Without a total the lines' own sum is shown. */
export function OrderSummary({ lines, total }: { lines: readonly PricedLine[]; total?: Money }) {
  return (
    <dl class="sums">
      {lines.map((line) => (
        <div key={line.productId}>
          <dt>
            {line.name}
            {line.quantity > 1 && <span class="times"> × {line.quantity}</span>}
          </dt>
          <dd>{formatMoney(multiply(line.unitPrice, line.quantity))}</dd>
        </div>
      ))}
      <div class="sum-total">
        <dt>Total</dt>
        <dd data-testid="total">
          {total === undefined
            ? formatTotals(lines.map((line) => multiply(line.unitPrice, line.quantity)))
            : formatMoney(total)}
        </dd>
      </div>
    </dl>
  );
}
