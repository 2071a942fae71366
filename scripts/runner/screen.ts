/** What `npm test` shows: a line when a step ends, and a line a minute while nothing ends, so that nobody thinks it hangs. */

/** How long it stays silent at most, in milliseconds. */
const heartbeat = 45_000;

const underWay = new Map<string, number>();
let lastLine = performance.now();

/** Prints lines, and puts off the next sign of life. */
export function show(text: string): void {
  console.log(text);
  lastLine = performance.now();
}

/** Runs `work` as a step that signs of life can name. */
export async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
  underWay.set(name, performance.now());
  try {
    return await work();
  } finally {
    underWay.delete(name);
  }
}

/** Prints a step that ended. */
export function showEnd(state: 'passed' | 'failed' | 'ready', name: string, milliseconds: number, note = ''): void {
  show(`${state.padEnd(6)} ${inSeconds(milliseconds).padStart(7)}  ${name}${note === '' ? '' : `  ${note}`}`);
}

/** Prints text below the line it belongs to. */
export function showIndented(text: string): void {
  if (text.trim() !== '') show(text.trimEnd().replaceAll(/^(?=.)/gm, '    '));
}

/** Starts the signs of life; call what it answers to end them. */
export function startHeartbeat(): () => void {
  const timer = setInterval(() => {
    if (performance.now() - lastLine < heartbeat || underWay.size === 0) return;
    const steps = [...underWay].map(([name, since]) => `${name} ${inSeconds(performance.now() - since)}`);
    show(`still running: ${steps.join(', ')}`);
  }, 1000);
  return () => clearInterval(timer);
}

function inSeconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
