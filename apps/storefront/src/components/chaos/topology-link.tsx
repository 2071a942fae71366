/** One link in the drawing: as thick as it is busy, with its latency where it starts and what is wrong in its middle. */
import type { LiveLink } from '@ballast/contracts';
import type { LinkPath } from '../../chaos/layout.ts';
import { toxicLabel } from '../../chaos/link-options.ts';
import { formatLatency, linkSentence } from '../../chaos/words.ts';
import { pressed } from './pressed.ts';
import type { Roving } from './roving.ts';

type TopologyLinkProps = {
  path: LinkPath;
  link: LiveLink;
  /** The panel is open for it. */
  isChosen: boolean;
  item: ReturnType<Roving['item']>;
  onChoose: () => void;
};

export function TopologyLink({ path, link, isChosen, item, onChoose }: TopologyLinkProps) {
  const isBroken = link.toxics.length > 0;
  const state = isBroken ? 'broken' : link.breaker === 'open' || link.breaker === 'half-open' ? link.breaker : 'sound';
  return (
    <g
      class={`mesh-link mesh-link-${state}${link.bytesPerSecond === 0 ? ' mesh-link-quiet' : ''}${isChosen ? ' mesh-chosen' : ''}`}
      role="button"
      aria-label={linkSentence(link)}
      data-mesh-link={path.key}
      data-state={state}
      onClick={onChoose}
      onKeyDown={pressed(onChoose)}
      {...item}
    >
      {/* What is aimed at is wider than what is seen. */}
      <path class="mesh-line-hit" d={path.path} />
      <path class="mesh-line" d={path.path} stroke-width={thickness(link.bytesPerSecond)} />
      {link.latency !== null && (
        <text
          class={`mesh-latency${path.label.before ? ' mesh-latency-before' : ''}`}
          x={path.label.x}
          y={path.label.y - 2.5}
        >
          {formatLatency(link.latency)}
        </text>
      )}
    </g>
  );
}

/** What is wrong with a link, in its middle. Drawn above all lines, so that it can be read. */
export function LinkMark({ path, link }: Pick<TopologyLinkProps, 'path' | 'link'>) {
  const mark = markOf(link);
  if (mark === '') return null;
  const { x, y } = path.middle;
  return (
    <g class={link.toxics.length === 0 && link.breaker === 'half-open' ? 'mesh-mark-warn' : ''}>
      <rect
        class="mesh-mark"
        x={x - mark.length * 3.4 - 7}
        y={y - 9}
        width={mark.length * 6.8 + 14}
        height={18}
        rx={9}
      />
      <text class="mesh-mark-text" x={x} y={y + 4}>
        {mark}
      </text>
    </g>
  );
}

/** What stands in the middle of a link where something is wrong with it. */
function markOf({ toxics, breaker }: LiveLink): string {
  if (toxics.length > 0) return `✕ ${[...new Set(toxics)].map(toxicLabel).join(', ')}`;
  if (breaker === 'open') return 'breaker open';
  if (breaker === 'half-open') return 'breaker half-open';
  return '';
}

/** Width of a line for bytes a second: ten times as much is one and a half units more. */
function thickness(bytesPerSecond: number): number {
  if (bytesPerSecond <= 0) return 1;
  return Math.min(6, 1.2 + 1.1 * Math.log10(1 + bytesPerSecond / 400));
}
