/** What `/chaos` shows, a signal for each slice, changed once a frame at most however fast the mesh tells. */
import { batch, computed, effect, signal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import { liveAddress } from '../api/chaos.ts';
import { notConnected, reduceConnection } from '../chaos/connection.ts';
import type { Connection } from '../chaos/connection.ts';
import { emptyInbox, receive } from '../chaos/inbox.ts';
import { nothingKnown, readInbox } from '../chaos/live.ts';
import type { Live, Orders } from '../chaos/live.ts';
import { createSpeaker, sayingsFor } from '../chaos/sayings.ts';
import { speak } from './announcements.ts';
import { openStream } from './chaos-stream.ts';
import { loadSession } from './session.ts';
import { ApiError } from '../api/errors.ts';

export const connection = signal<Connection>(notConnected);

const known = signal<Live>(nothingKnown);

export const topology = computed(() => known.value.topology);
export const phase = computed(() => known.value.phase);
export const faults = computed(() => known.value.faults);
export const invariants = computed(() => known.value.invariants);
export const load = computed(() => known.value.load);
export const experiment = computed(() => known.value.experiment);
export const metrics = computed(() => known.value.metrics);
export const wire = computed(() => known.value.wire);
export const orders: ReadonlySignal<Orders> = computed(() => known.value.orders);

/** Whether the first snapshot has come. */
export const isKnown = computed(() => phase.value !== null);

/** What is shown is older than it looks. */
export const isStale = computed(() => isKnown.value && connection.value.state !== 'live');

/** Milliseconds since the epoch by the page's own clock, moving on twice a second while somebody looks. */
export const clock = signal(Date.now());

/** What to add to the page's clock to have the mesh's, in milliseconds. */
const offset = signal(0);

/** Now, by the clock of the mesh; it stands still while nothing is heard of it. */
export const meshNow = computed(() => {
  const { state, heardAt } = connection.value;
  const own = state === 'live' || heardAt === null ? clock.value : heardAt;
  return own + offset.value;
});

/** Milliseconds between two looks at the clock. */
const tick = 500;

/** Milliseconds after which a page in the background takes in what was told: there are no frames to do it in. */
const backgroundPause = 1_000;

let visitors = 0;
let stop: () => void = () => undefined;

/** Begins to follow the mesh; the function it gives back ends it. Several may follow: there is one stream. */
export function followMesh(): () => void {
  visitors += 1;
  if (visitors === 1) stop = begin();
  let over = false;
  return () => {
    if (over) return;
    over = true;
    visitors -= 1;
    if (visitors === 0) stop();
  };
}

/** Begins anew after a refusal: rights and routes may have changed. */
export function tryAgain(): void {
  if (visitors === 0) return;
  stop();
  stop = begin();
}

function begin(): () => void {
  let inbox = emptyInbox();
  let frame: (() => void) | null = null;
  const speaker = createSpeaker();

  const takeIn = (): void => {
    frame = null;
    const before = known.peek();
    const after = readInbox(before, inbox);
    inbox = emptyInbox();
    speaker.add(sayingsFor(before, after));
    batch(() => {
      known.value = after;
      noteMeshTime(after);
    });
  };

  const stream = openStream(
    liveAddress,
    {
      connection(action) {
        const now = connection.peek();
        // A sign of life a moment after another says nothing that anybody could see.
        if (action.type === 'heard' && now.state === 'live' && action.at - (now.heardAt ?? 0) < tick) return;
        connection.value = reduceConnection(now, action);
        if (action.type === 'refused' && action.status === 401) void askWhoIsHere();
      },
      event(name, data) {
        if (receive(inbox, name, data) && frame === null) frame = nextFrame(takeIn);
      },
    },
    { fetch: (...request) => fetch(...request), now: Date.now, random: Math.random },
  );

  const ticking = setInterval(() => {
    clock.value = Date.now();
    const said = speaker.next(Date.now());
    if (said !== null) speak(said);
  }, tick);
  const returned = (): void => {
    if (document.visibilityState === 'visible') stream.hurry();
  };
  window.addEventListener('online', stream.hurry);
  document.addEventListener('visibilitychange', returned);
  const quiet = effect(sayConnection);
  return () => {
    stream.close();
    frame?.();
    clearInterval(ticking);
    quiet();
    window.removeEventListener('online', stream.hurry);
    document.removeEventListener('visibilitychange', returned);
    connection.value = notConnected;
    known.value = nothingKnown;
  };
}

let wasBroken = false;

/** Says when the connection breaks off and when it is back, once each. */
function sayConnection(): void {
  const { state } = connection.value;
  if (state === 'reconnecting' && !wasBroken) speak('The connection broke off. Reconnecting.');
  if (state === 'live' && wasBroken) speak('Connected again.');
  if (state === 'live' || state === 'reconnecting') wasBroken = state === 'reconnecting';
}

/** Calls back with the next frame, or after a while where none is drawn; the function it gives back prevents that. */
function nextFrame(callback: () => void): () => void {
  let over = false;
  const once = (): void => {
    if (over) return;
    over = true;
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    callback();
  };
  const frame = requestAnimationFrame(once);
  const timer = setTimeout(once, backgroundPause);
  return () => {
    over = true;
    cancelAnimationFrame(frame);
    clearTimeout(timer);
  };
}

/** Each second's point says what time it is over there; the quickest way here is the truest. */
function noteMeshTime(live: Live): void {
  const latest = live.metrics.at(-1);
  if (latest === undefined) return;
  const told = Date.parse(latest.at) - Date.now();
  if (Math.abs(told - offset.peek()) > 2_000 || told > offset.peek()) offset.value = told;
}

async function askWhoIsHere(): Promise<void> {
  try {
    await loadSession();
  } catch (error) {
    // The page's notice tells that the shop cannot be reached, and asks again by itself.
    if (!(error instanceof ApiError)) throw error;
  }
}
