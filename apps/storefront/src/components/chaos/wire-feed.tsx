/** Calls as services answered them, the newest above; held still when asked to. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { everyCall, filterCalls, servicesIn, statusClass, statusClasses } from '../../chaos/wire.ts';
import type { WireFilter } from '../../chaos/wire.ts';
import type { NumberedCall, Wire } from '../../chaos/live.ts';
import { formatLatency } from '../../chaos/words.ts';
import { formatClock, plural } from '../../format/time.ts';
import { wire } from '../../state/chaos-live.ts';
import { SelectField } from '../lab/fields.tsx';
import { useVisible } from './use-visible.ts';

/** Milliseconds between two looks at the feed: no eye reads faster. */
const pause = 500;

export function WireFeed() {
  const [filter, setFilter] = useState<WireFilter>(everyCall);
  const [held, setHeld] = useState<Wire | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const visible = useVisible(box);
  const latest = useCalmWire(visible && held === null);
  const now = held ?? latest;
  const calls = filterCalls(now.calls, filter);
  const later = held === null ? 0 : Math.max(0, wire.value.last - held.last);
  return (
    <section class="chaos-section" aria-labelledby="wire">
      <h2 id="wire">On the wire</h2>
      <div class="wire-controls">
        <SelectField
          id="wire-service"
          label="Service"
          value={filter.service}
          onChange={(service) => setFilter({ ...filter, service })}
        >
          <option value="">every service</option>
          {servicesIn(now.calls).map((service) => (
            <option key={service} value={service}>
              {service}
            </option>
          ))}
        </SelectField>
        <SelectField
          id="wire-status"
          label="Status"
          value={filter.status}
          onChange={(status) => setFilter({ ...filter, status: status as WireFilter['status'] })}
        >
          <option value="">any status</option>
          {statusClasses.map((status) => (
            <option key={status} value={status}>
              {status === 'none' ? 'no answer' : status}
            </option>
          ))}
        </SelectField>
        <label class="lab-field" for="wire-text">
          <span>Containing</span>
          <input
            id="wire-text"
            class="input"
            type="search"
            value={filter.text}
            onInput={(event) => setFilter({ ...filter, text: event.currentTarget.value })}
          />
        </label>
        <button
          type="button"
          class="button button-quiet"
          aria-pressed={held !== null}
          onClick={() => setHeld(held === null ? latest : null)}
          data-testid="wire-pause"
        >
          {held === null ? 'Pause' : 'Go on'}
        </button>
      </div>
      <p class="small" data-testid="wire-missed">
        {plural(calls.length, 'call')} of the latest {now.calls.length}. {plural(now.missed, 'call')} not shown.
        {later > 0 && ` ${plural(later, 'call')} since you paused.`}
      </p>
      {/* A box of its own that scrolls, for keyboards too: the page below it stays where it is. */}
      <div class="wire-box" ref={box} role="region" aria-label="Calls" tabIndex={0}>
        <table class="wire" data-testid="wire">
          <colgroup>
            <col class="wire-time" />
            <col class="wire-code" />
            <col class="wire-took" />
            <col class="wire-instance" />
            <col />
          </colgroup>
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Status</th>
              <th scope="col">Took</th>
              <th scope="col">Instance</th>
              <th scope="col">Call</th>
            </tr>
          </thead>
          <tbody>
            {/* By place, not by call: under load every row changes, and a changed text is cheaper than a new row. */}
            {calls.map((call, index) => (
              <WireRow key={index} call={call} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** The feed as it is every so often while somebody looks, else as it was. */
function useCalmWire(looking: boolean): Wire {
  const [calm, setCalm] = useState(() => wire.peek());
  useEffect(() => {
    if (!looking) return undefined;
    setCalm(wire.peek());
    const timer = setInterval(() => setCalm(wire.peek()), pause);
    return () => clearInterval(timer);
  }, [looking]);
  return calm;
}

function WireRow({ call }: { call: NumberedCall }) {
  const class_ = statusClass(call.status);
  return (
    <tr data-status={class_}>
      <td>{formatClock(call.at)}</td>
      <td class={`wire-status wire-${class_}`}>{class_ === 'none' ? 'no answer' : call.status}</td>
      <td>{formatLatency(call.milliseconds)}</td>
      <td>{call.instance}</td>
      <td>
        <code>
          {call.method} {call.path}
        </code>
        {call.upstreams.length > 0 && <span class="small"> by {call.upstreams.join(', ')}</span>}
        {call.traceId !== null && <span class="wire-trace"> {call.traceId.slice(0, 8)}</span>}
      </td>
    </tr>
  );
}
