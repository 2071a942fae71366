/** The saga's states and events in words for a customer. */
import type { OrderState, OrderTransition } from '@ballast/contracts';

/** `progress` and `undoing` are on the way; the other three are ends. */
export type Tone = 'progress' | 'undoing' | 'good' | 'returned' | 'attention';

export type StateWords = { label: string; headline: string; sentence: string; tone: Tone };

/** How each state is shown. */
export const stateWords: Record<OrderState, StateWords> = {
  Initiated: {
    label: 'Initiated',
    headline: 'We have your order',
    sentence: 'We are setting your items aside.',
    tone: 'progress',
  },
  StockReserved: {
    label: 'Stock reserved',
    headline: 'Your items are set aside',
    sentence: 'We are asking the payment provider to hold the amount.',
    tone: 'progress',
  },
  ReadyForPayment: {
    label: 'Ready for payment',
    headline: 'Your payment is being taken',
    sentence: 'The payment provider is ready, and the amount is being taken.',
    tone: 'progress',
  },
  PaymentCaptured: {
    label: 'Payment captured',
    headline: 'Your payment has arrived',
    sentence: 'Now your items become yours for good.',
    tone: 'progress',
  },
  Completed: {
    label: 'Completed',
    headline: 'Your order is complete',
    sentence: 'It is paid, and your items are yours.',
    tone: 'good',
  },
  Compensating: {
    label: 'Compensating',
    headline: 'Your order is being undone',
    sentence: 'Something did not work out. Stock and money are being put back.',
    tone: 'undoing',
  },
  Compensated: {
    label: 'Compensated',
    headline: 'Your order did not go through',
    sentence: 'Stock and money are back where they were. You have paid nothing.',
    tone: 'returned',
  },
  RequiresReview: {
    label: 'Requires review',
    headline: 'A person is looking at your order',
    sentence: 'This could not be settled automatically. A person will decide.',
    tone: 'attention',
  },
};

/** A name in code as words: `PaymentDeclined` → `Payment declined`. */
export function wordsOf(name: string): string {
  const words = name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/[-_.]+/g, ' ')
    .trim()
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A state's label, also for one this page has never heard of. */
export function labelOf(state: string): string {
  return (stateWords as Record<string, StateWords | undefined>)[state]?.label ?? wordsOf(state);
}

/** Width of a letter in the drawing, in its own units: the widest of the usual fonts, bold, at the size of saga.css. */
const letterWidth = 9.6;

/** A state's label in one line, or in two where a box of that width, in the drawing's units, has no room for one. */
export function labelLines(state: string, width: number): string[] {
  const label = labelOf(state);
  if (label.length * letterWidth <= width - 12) return [label];
  const middle = label.length / 2;
  const spaces = [...label.matchAll(/ /g)].map((match) => match.index);
  const [nearest] = spaces.toSorted((one, other) => Math.abs(one - middle) - Math.abs(other - middle));
  return nearest === undefined ? [label] : [label.slice(0, nearest), label.slice(nearest + 1)];
}

/** A state's tone, also for one this page has never heard of. */
export function toneOf(state: string): Tone {
  return (stateWords as Record<string, StateWords | undefined>)[state]?.tone ?? 'progress';
}

/** One step as a sentence, for those who hear the page. */
export function stepSentence(step: OrderTransition): string {
  return `${labelOf(step.to)}. ${stateWords[step.to].sentence}`;
}
