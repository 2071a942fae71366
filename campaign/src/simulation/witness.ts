/** Watches the broker: messages of one aggregate are told in their order, and no event that was acknowledged is lost. */
import type { Message } from '@ballast/messaging';
import type { SagaDefinition } from '@ballast/saga';
import type { OrderContext } from './domains.ts';
import type { OutboxTables } from './outbox-table.ts';
import type { SagaTables } from './saga-table.ts';

export class Witness {
  /** Ids of messages that came to the broker. */
  readonly arrivals = new Set<string>();
  readonly violations: string[] = [];
  readonly #definition: SagaDefinition<OrderContext>;
  readonly #sagas: SagaTables<OrderContext>;
  readonly #outboxes: readonly OutboxTables[];

  constructor(
    definition: SagaDefinition<OrderContext>,
    sagas: SagaTables<OrderContext>,
    outboxes: readonly OutboxTables[],
  ) {
    this.#definition = definition;
    this.#sagas = sagas;
    this.#outboxes = outboxes;
  }

  arrived(message: Message): void {
    if (this.arrivals.has(message.id)) return;
    this.arrivals.add(message.id);
    for (const outbox of this.#outboxes) {
      const stored = outbox.committed.get(message.correlationId) ?? [];
      const index = stored.findIndex(({ id }) => id === message.id);
      for (const elder of stored.slice(0, Math.max(0, index)))
        if (!this.arrivals.has(elder.id))
          this.violations.push(`outbox: ${message.type} ${message.id} was told before ${elder.type} ${elder.id}`);
    }
  }

  /** What checkout acknowledged stands in the log, or said nothing new in a state the saga was in meanwhile. */
  acknowledged(queue: string, message: Message, deliveredAt: number): void {
    if (queue !== 'checkout.saga') return;
    const { type, id, correlationId } = message;
    const lines = this.#sagas.lines(correlationId);
    if (lines.some((line) => line.messageId === id)) return;
    const current = lines.findLastIndex((line) => line.at <= deliveredAt);
    for (const { to } of lines.slice(Math.max(0, current))) {
      const rule = this.#definition.rules.find((each) => each.from === to && each.on === type);
      if (rule !== undefined && 'ignore' in rule) return;
      // One of a kind is kept.
      if (rule !== undefined && 'early' in rule && lines.some((line) => line.event === type)) return;
    }
    this.violations.push(`consumers: ${type} ${id} was acknowledged and did nothing to ${correlationId}`);
  }
}
