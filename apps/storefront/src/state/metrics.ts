/** What `/metrics-view` shows: the panels, what is known of each, how fresh that is, and the asking. */
import { computed, effect, signal, untracked } from '@preact/signals';
import type { ReadonlySignal, Signal } from '@preact/signals';
import type { PanelData, PanelList } from '@ballast/contracts';
import { getPanel, getPanels } from '../api/metrics.ts';
import {
  failureOf,
  freshnessOf,
  freshnessWords,
  nothingKnown,
  recordAnswer,
  recordFailure,
  refreshMilliseconds,
} from '../metrics/freshness.ts';
import type { Failure, Freshness, PanelRecord } from '../metrics/freshness.ts';
import { createPoller } from '../metrics/poller.ts';
import type { MetricsRange } from '../metrics/ranges.ts';
import { place } from '../router.ts';
import { speak } from './announcements.ts';

/** The boards and their panels; null until the bff has told them. */
export const panelList = signal<PanelList | null>(null);

/** The visitor wants nothing new for now. */
export const isPaused = signal(false);

/** The page's clock, in milliseconds since the epoch; it moves once a second while the page is shown. */
export const clock = signal(Date.now());

/** How far back panels look, in minutes: it stands in the address. */
export const minutes = computed<MetricsRange>(() => (place.value.page === 'metrics' ? place.value.minutes : 15));

const listFailure = signal<Failure | null>(null);
const records = new Map<string, Signal<PanelRecord>>();

function recordOf(id: string): Signal<PanelRecord> {
  const known = records.get(id);
  if (known !== undefined) return known;
  const made = signal(nothingKnown);
  records.set(id, made);
  return made;
}

/** What is known of a panel. */
export function panelRecord(id: string): ReadonlySignal<PanelRecord> {
  return recordOf(id);
}

export const freshness = computed<Freshness>(() =>
  freshnessOf(panelList.value?.panels.map(({ id }) => recordOf(id).value) ?? [], {
    listFailure: listFailure.value,
    paused: isPaused.value,
    now: clock.value,
  }),
);

/** The state alone, for those whom a second more or less does not concern. */
export const freshnessState = computed(() => freshness.value.state);

/** Questions under way at once: Prometheus evaluates them beside the mesh it watches. */
const atOnce = 4;

/** The question for the list; no panel's id has a space in it. */
const listName = 'the list';

/** Begins to ask, until what is returned is called. Call it while the page is shown. */
export function followMetrics(): () => void {
  panelList.value = null;
  listFailure.value = null;
  isPaused.value = false;
  records.clear();

  const poller = createPoller<PanelList | PanelData>({
    ask: (name, abort) => (name === listName ? getPanels(abort) : getPanel(name, minutes.peek(), abort)),
    answered(name, answer) {
      clock.value = Date.now();
      if ('panels' in answer) {
        listFailure.value = null;
        panelList.value = answer;
        poller.begin(answer.panels.map(({ id }) => id));
      } else recordOf(name).value = recordAnswer(answer, Date.now());
    },
    failed(name, error) {
      const failure = failureOf(error);
      if (name === listName) listFailure.value = failure;
      else recordOf(name).value = recordFailure(recordOf(name).peek(), failure);
      return failure.restMilliseconds;
    },
    every: refreshMilliseconds,
    atOnce,
    schedule(callback, milliseconds) {
      const timer = setTimeout(callback, milliseconds);
      return () => clearTimeout(timer);
    },
  });

  const isHidden = signal(document.hidden);
  const follow = (): void => {
    isHidden.value = document.hidden;
  };
  document.addEventListener('visibilitychange', follow);
  const ticking = setInterval(() => {
    clock.value = Date.now();
  }, 1_000);

  askEverything = () => poller.resume();
  poller.begin([listName]);
  const ends = [
    // Nobody looks at a hidden page.
    onChange(
      () => isPaused.value || isHidden.value,
      (rests) => (rests ? poller.pause() : poller.resume()),
    ),
    // Another range asks everything anew; what is being asked for the old one is of no use.
    onChange(
      () => minutes.value,
      () => {
        const list = panelList.peek();
        if (list !== null) poller.begin(list.panels.map(({ id }) => id));
      },
    ),
    // Each change once: not every refresh, which would never let a screen reader come to rest.
    onChange(
      () => freshnessState.value,
      (state) => speak(freshnessWords[state]),
    ),
  ];

  return () => {
    for (const end of ends) end();
    clearInterval(ticking);
    document.removeEventListener('visibilitychange', follow);
    askEverything = () => undefined;
    poller.close();
  };
}

let askEverything = (): void => undefined;

/** Asks everything now, also where the bff has asked for a rest: a person wants to know. */
export function tryAgain(): void {
  askEverything();
}

/** Calls `act` with every value but the first. What `act` reads is not followed. */
function onChange<Value>(read: () => Value, act: (value: Value) => void): () => void {
  const value = computed(read);
  let last = value.peek();
  return effect(() => {
    const now = value.value;
    if (now === last) return;
    last = now;
    untracked(() => act(now));
  });
}
