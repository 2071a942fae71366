/** The load of orders: turned up and down, with the share that is declined, and what became of it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Load } from '@ballast/contracts';
import { putLoad } from '../../api/chaos.ts';
import { load } from '../../state/chaos-live.ts';
import { useAction } from './action.ts';
import { Problem } from './problem.tsx';
import { Slider } from './slider.tsx';

/** Milliseconds a hand must rest before what it has set is sent. */
const rest = 300;

/** Milliseconds until the stream has told what the mesh has taken. */
const settled = 1_500;

const noLoad: Load = { ordersPerSecond: 0, declined: 0.2, readsPerSecond: 0 };

export function LoadControls() {
  const state = load.value;
  const { wanted, set, problem } = useWantedLoad();
  const shown = wanted ?? state?.load ?? noLoad;
  const change = (part: Partial<Load>): void => set({ ...shown, ...part });

  return (
    <section class="chaos-card" aria-labelledby="load">
      <div class="chaos-card-head">
        <h2 id="load">Load</h2>
        <button
          type="button"
          class="button button-quiet button-small"
          disabled={shown.ordersPerSecond === 0 && shown.readsPerSecond === 0}
          onClick={() => change({ ordersPerSecond: 0, readsPerSecond: 0 })}
          data-testid="stop-load"
        >
          Stop
        </button>
      </div>
      <Slider
        id="load-orders"
        label="Orders"
        unit="a second"
        min={0}
        max={200}
        step={1}
        value={shown.ordersPerSecond}
        onChange={(ordersPerSecond) => change({ ordersPerSecond })}
      />
      <Slider
        id="load-declined"
        label="Cards that are declined"
        unit="%"
        min={0}
        max={100}
        step={5}
        value={Math.round(shown.declined * 100)}
        onChange={(percent) => change({ declined: percent / 100 })}
      />
      <Slider
        id="load-reads"
        label="Products read"
        unit="a second"
        min={0}
        max={500}
        step={10}
        value={shown.readsPerSecond}
        onChange={(readsPerSecond) => change({ readsPerSecond })}
      />
      <Problem sentence={problem} />
      {state !== null && state.sent > 0 && (
        <dl class="load-facts" data-testid="load-facts">
          {(
            [
              ['sent', state.sent],
              ['accepted', state.accepted],
              ['refused', state.refused],
              ['failed', state.failed],
              ['under way', state.inFlight],
              ['not sent', state.skipped],
            ] as const
          ).map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd data-load={name}>{value.toLocaleString('en')}</dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  );
}

/** What a hand has set counts until the mesh has taken it; then the mesh's own word counts again. */
function useWantedLoad(): { wanted: Load | null; set: (load: Load) => void; problem: string | null } {
  const [wanted, setWanted] = useState<Load | null>(null);
  const action = useAction();
  const pending = useRef<Load | null>(null);
  const sending = useRef(false);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);

  const send = async (): Promise<void> => {
    if (sending.current) return;
    sending.current = true;
    let worked = true;
    for (let next = pending.current; next !== null; next = pending.current) {
      pending.current = null;
      worked = await action.run(() => putLoad(next));
    }
    sending.current = false;
    if (worked) timer.current = setTimeout(() => setWanted(null), settled);
    else setWanted(null);
  };
  return {
    wanted,
    set(load) {
      setWanted(load);
      pending.current = load;
      clearTimeout(timer.current);
      timer.current = setTimeout(() => void send(), rest);
    },
    problem: action.problem,
  };
}
