/** The order's steps as they happen, for those who hear the page: every step is said once, in its order. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Order } from '@ballast/contracts';
import { stepSentence } from '../saga/words.ts';
import { isFinal, lastStep } from '../state/order-stream.ts';
import type { Connection } from '../state/order-stream.ts';

export function SpokenSteps({ order, connection }: { order: Order | null; connection: Connection }) {
  const [sentences, setSentences] = useState<readonly string[]>([]);
  const said = useRef<number | null>(null);
  const wasBroken = useRef(false);

  useEffect(() => {
    if (order === null) return;
    // What had happened before the page was opened is there to be read; of a moving order the last step is told.
    const before = said.current ?? (isFinal(order.state) ? lastStep(order) : lastStep(order) - 1);
    said.current = lastStep(order);
    const fresh = order.history.filter((step) => step.seq > before).map(stepSentence);
    if (fresh.length > 0) setSentences((known) => [...known, ...fresh]);
  }, [order]);

  useEffect(() => {
    const broken = connection === 'reconnecting';
    if (broken === wasBroken.current) return;
    wasBroken.current = broken;
    const sentence = broken ? 'The connection broke off. Reconnecting.' : 'Connected again.';
    setSentences((known) => [...known, sentence]);
  }, [connection]);

  // A log tells what is added to it, and nothing twice.
  return (
    <div
      class="visually-hidden"
      role="log"
      aria-live="polite"
      aria-label="Steps of your order"
      data-testid="spoken-steps"
    >
      {sentences.map((sentence, index) => (
        <p key={index}>{sentence}</p>
      ))}
    </div>
  );
}
