/** The mesh from outside in seven figures over 30 s, each with its line of the last minute. */
import { figuresOf, linePath } from '../../chaos/metrics.ts';
import type { Figure } from '../../chaos/metrics.ts';
import { metrics } from '../../state/chaos-live.ts';

const lineWidth = 120;
const lineHeight = 28;

export function Figures() {
  return (
    <section aria-label="Figures of the last 30 seconds">
      <dl class="figures" data-testid="figures">
        {figuresOf(metrics.value).map((figure) => (
          <FigureTile key={figure.name} figure={figure} />
        ))}
      </dl>
    </section>
  );
}

function FigureTile({ figure }: { figure: Figure }) {
  const path = linePath(figure.line, lineWidth, lineHeight);
  return (
    <div class={figure.alarming ? 'figure figure-alarming' : 'figure'} data-figure={figure.name}>
      <dt>
        {figure.label} <span class="visually-hidden">, {figure.about}</span>
      </dt>
      <dd title={figure.about}>{figure.text}</dd>
      <dd class="figure-line" aria-hidden="true">
        <svg viewBox={`0 -2 ${lineWidth} ${lineHeight + 4}`} preserveAspectRatio="none" focusable="false">
          {path !== '' && <path d={path} />}
        </svg>
      </dd>
    </div>
  );
}
