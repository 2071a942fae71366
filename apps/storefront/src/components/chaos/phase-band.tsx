/** The last minutes as a band of phases, and in words what is going on. */
import { impactOfAll } from '../../chaos/impact.ts';
import { phases } from '../../chaos/names.ts';
import { stretchesOf, timeInPhases } from '../../chaos/timeline.ts';
import { phaseLooks } from '../../chaos/words.ts';
import { formatDuration } from '../../format/time.ts';
import { faults, meshNow, phase, topology } from '../../state/chaos-live.ts';

/** How far the band goes back, in minutes. */
const minutes = 5;

/** A stretch narrower than this, in percent, has no room for its name. */
const roomForName = 9;

export function PhaseBand() {
  return (
    <section class="phase-section" aria-label="Phase">
      <ImpactBanner />
      <Band />
    </section>
  );
}

function ImpactBanner() {
  const impact = impactOfAll(faults.value, phase.value, topology.value);
  return (
    <p class={`impact tone-${impact.tone}`} data-testid="impact">
      {impact.text}
    </p>
  );
}

function Band() {
  const now = phase.value;
  if (now === null) return null;
  const stretches = stretchesOf(now, meshNow.value, minutes * 60_000);
  const times = timeInPhases(stretches);
  return (
    <figure class="band">
      <div class="band-track" data-testid="phase-band" aria-hidden="true">
        {stretches.map((stretch) => (
          <span
            key={stretch.from}
            class={`band-stretch band-${stretch.phase.toLowerCase()}`}
            data-phase={stretch.phase}
            title={`${stretch.phase}, ${formatDuration(stretch.to - stretch.from)}`}
            style={{ left: `${stretch.start}%`, width: `${stretch.width}%` }}
          >
            {stretch.width > roomForName && phaseLooks[stretch.phase].word}
          </span>
        ))}
      </div>
      <figcaption class="band-caption">
        <span>{minutes} minutes ago</span>
        <ul class="band-times" aria-label={`Of the last ${minutes} minutes`}>
          {phases
            .filter((name) => times[name] > 0)
            .map((name) => (
              <li key={name}>
                <span class={`band-key band-${name.toLowerCase()}`} aria-hidden="true" />
                {phaseLooks[name].word} {formatDuration(Math.round(times[name] / 1000) * 1000)}
              </li>
            ))}
        </ul>
        <span>now</span>
      </figcaption>
    </figure>
  );
}
