/** What is said to everybody at once: a note that can be seen for a moment, and read aloud by a screen reader. */
import { computed, signal } from '@preact/signals';
import { arrivals } from '../router.ts';

/** A note at the foot of the page. */
export type Note = {
  id: number;
  text: string;
  /** `problem` where something did not work out as wished. */
  tone: 'good' | 'problem';
  link?: { label: string; address: string };
  /** The arrival it belongs to: on the next page it would only be in the way. */
  arrival: number;
};

const shownFor = 6_000;
let lastId = 0;
let removal: ReturnType<typeof setTimeout> | undefined;

const lastNote = signal<Note | null>(null);

/** The note to show now. */
export const note = computed(() => (lastNote.value?.arrival === arrivals.value ? lastNote.value : null));

/** The last sentence for screen readers only. */
export const spoken = signal('');

/** Shows a note for some seconds; the next one takes its place. */
export function showNote(text: string, { tone = 'good', link }: Partial<Pick<Note, 'tone' | 'link'>> = {}): void {
  lastId += 1;
  const arrival = arrivals.peek();
  lastNote.value = { id: lastId, text, tone, arrival, ...(link === undefined ? {} : { link }) };
  clearTimeout(removal);
  removal = setTimeout(hideNote, shownFor);
}

export function hideNote(): void {
  clearTimeout(removal);
  lastNote.value = null;
}

/** Says something to those who hear the page. */
export function speak(sentence: string): void {
  // The same sentence twice would not be read twice: an invisible difference makes it new.
  spoken.value = spoken.value === sentence ? `${sentence}\u00a0` : sentence;
}
