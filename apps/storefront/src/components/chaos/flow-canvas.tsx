/** The moving part: dots on a canvas above the saga's drawing, drawn together once a frame, and only while any moves. */
import { useEffect, useRef } from 'preact/hooks';
import type { OrderState } from '@ballast/contracts';
import { effect } from '@preact/signals';
import { createFlow, mostDots } from '../../chaos/flow.ts';
import type { Flow, FlowDot, FlowLine } from '../../chaos/flow.ts';
import { restingDots } from '../../chaos/resting.ts';
import type { SagaLayout } from '../../saga/layout.ts';
import { orders } from '../../state/chaos-live.ts';
import { isFinal } from '../../state/order-stream.ts';
import { useMedia } from '../hooks.ts';
import { useVisible } from './use-visible.ts';

/** Points a line is made of. */
const pointsOfLine = 60;

const dotRadius = 4;

export function FlowCanvas({ layout }: { layout: SagaLayout }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const still = useMedia('(prefers-reduced-motion: reduce)');
  const dark = useMedia('(prefers-color-scheme: dark)');
  const visible = useVisible(canvas);
  useEffect(() => {
    const surface = canvas.current;
    return surface === null || !visible ? undefined : animate(surface, layout, still);
  }, [layout, still, dark, visible]);
  return <canvas ref={canvas} class="flow-canvas" aria-hidden="true" data-most={mostDots} />;
}

/** Follows the orders until the function it gives back is called. */
function animate(canvas: HTMLCanvasElement, layout: SagaLayout, still: boolean): () => void {
  const context = canvas.getContext('2d');
  if (context === null) return () => undefined;
  const flow = createFlow(linesOf(layout));
  const colours = coloursOf(canvas);
  // Those that have come to an end do not wait for anything.
  const resting = layout.nodes.filter(({ name }) => !isFinal(name as OrderState));
  let frame = 0;
  let totals: Readonly<Record<string, number>> = {};

  const draw = (now: number): void => {
    frame = 0;
    const scale = fit(canvas, layout);
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, layout.width, layout.height);
    drawDots(
      context,
      resting.flatMap((box) => restingDots(box, totals[box.name] ?? 0)),
      colours.resting,
      2.2,
    );
    drawFlow(context, flow, now, colours);
    if (flow.busy()) ask();
  };
  const ask = (): void => {
    if (frame === 0) frame = requestAnimationFrame(draw);
  };
  const stop = effect(() => {
    const told = orders.value;
    totals = told.totals;
    if (!still && document.visibilityState === 'visible') flow.add(told.moves, performance.now());
    ask();
  });
  const resized = new ResizeObserver(ask);
  resized.observe(canvas);
  return () => {
    stop();
    resized.disconnect();
    cancelAnimationFrame(frame);
  };
}

type Colours = Record<FlowDot['kind'] | 'resting', string>;

/** The page's own colours, so that the dots follow light and dark. */
function coloursOf(canvas: HTMLCanvasElement): Colours {
  const style = getComputedStyle(canvas);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  return {
    forward: colour('--accent'),
    failure: colour('--warn'),
    compensation: colour('--warn'),
    resting: colour('--brass'),
  };
}

/** Makes the canvas as fine as the screen; answers with pixels a unit of the drawing. */
function fit(canvas: HTMLCanvasElement, layout: SagaLayout): number {
  const fineness = Math.min(2, window.devicePixelRatio);
  const width = Math.round(canvas.clientWidth * fineness);
  const height = Math.round((canvas.clientWidth * fineness * layout.height) / layout.width);
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  return width / layout.width;
}

function drawFlow(context: CanvasRenderingContext2D, flow: Flow, now: number, colours: Colours): void {
  const dots = flow.step(now);
  for (const kind of ['forward', 'failure', 'compensation'] as const) {
    drawDots(
      context,
      dots.filter((dot) => dot.kind === kind),
      colours[kind],
      dotRadius,
    );
  }
}

/** All dots of a colour are one path: however many, they are filled once. */
function drawDots(
  context: CanvasRenderingContext2D,
  dots: readonly { x: number; y: number }[],
  colour: string,
  radius: number,
): void {
  if (dots.length === 0) return;
  context.beginPath();
  for (const { x, y } of dots) {
    context.moveTo(x + radius, y);
    context.arc(x, y, radius, 0, 2 * Math.PI);
  }
  context.fillStyle = colour;
  context.fill();
}

/** The drawing's lines as points, measured by the browser that draws them. */
function linesOf(layout: SagaLayout): ReadonlyMap<string, FlowLine> {
  return new Map(
    layout.edges.map(({ key, path, kind }) => {
      const line = document.createElementNS('http://www.w3.org/2000/svg', 'path');
      line.setAttribute('d', path);
      const length = line.getTotalLength();
      const points = Array.from({ length: pointsOfLine }, (_, index) => {
        const { x, y } = line.getPointAtLength((length * index) / (pointsOfLine - 1));
        return { x, y };
      });
      return [key, { points, kind }];
    }),
  );
}
