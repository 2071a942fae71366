/**
 * A component's log: the child writes straight into the file, so that it neither waits for nor dies with the supervisor,
 * and the supervisor reads behind it for lines a person should see.
 */
import { closeSync, existsSync, fstatSync, ftruncateSync, mkdirSync, openSync, readSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';

/** A line a service logged at level warn or above. */
export type LoudLine = { level: 'warn' | 'error' | 'fatal'; message: string };

const pollEvery = 200;
const largestFile = 64 * 1024 * 1024;
const loud = /"level":"?(40|50|60|warn|error|fatal)\b/;
const levels: Record<string, LoudLine['level']> = {
  40: 'warn',
  50: 'error',
  60: 'fatal',
  warn: 'warn',
  error: 'error',
  fatal: 'fatal',
};

/** Follows one component's log file. */
export class LogFile {
  readonly path: string;
  readonly #descriptor: number;
  readonly #onLoudLine: (line: LoudLine) => void;
  readonly #timer: NodeJS.Timeout;
  #position = 0;
  #partial = '';
  #lastLines: string[] = [];

  /** Opens a new file at `path`; the one of the run before is kept beside it as `<name>.previous.log`. */
  constructor(path: string, onLoudLine: (line: LoudLine) => void) {
    this.path = path;
    this.#onLoudLine = onLoudLine;
    mkdirSync(dirname(path), { recursive: true });
    if (existsSync(path)) renameSync(path, path.replace(/\.log$/, '.previous.log'));
    this.#descriptor = openSync(path, 'a+', 0o600);
    this.#timer = setInterval(() => this.read(), pollEvery);
    this.#timer.unref();
  }

  /** The file descriptor a child writes to. */
  get descriptor(): number {
    return this.#descriptor;
  }

  /** Takes in what was written since the last time; called on a timer and when a component ends. */
  read(): void {
    const { size } = fstatSync(this.#descriptor);
    if (size < this.#position) this.#position = 0;
    const buffer = Buffer.alloc(Math.min(size - this.#position, 4 * 1024 * 1024));
    const length = readSync(this.#descriptor, buffer, 0, buffer.length, this.#position);
    this.#position += length;
    const lines = (this.#partial + buffer.toString('utf8', 0, length)).split('\n');
    this.#partial = lines.pop() ?? '';
    for (const line of lines) this.#take(line);
    // The child appends, so emptying the file under it is safe: its next write lands at the beginning.
    if (this.#position > largestFile && this.#position >= size) {
      ftruncateSync(this.#descriptor, 0);
      this.#position = 0;
    }
  }

  /** The last few lines as a person would want them quoted: messages of JSON lines, others as they are. */
  lastLines(): string[] {
    this.read();
    return [...this.#lastLines, this.#partial].filter((line) => line.trim() !== '').map(readable);
  }

  /** Stops following and closes the file. */
  close(): void {
    clearInterval(this.#timer);
    this.read();
    closeSync(this.#descriptor);
  }

  #take(line: string): void {
    if (line.trim() === '') return;
    this.#lastLines = [...this.#lastLines.slice(-7), line];
    const level = levels[loud.exec(line)?.[1] ?? ''];
    if (level !== undefined && line.startsWith('{')) {
      this.#onLoudLine({ level, message: readable(line) });
    }
  }
}

/** The message of a JSON log line with its error's, or the line itself. */
function readable(line: string): string {
  if (!line.startsWith('{')) return line;
  try {
    const entry: unknown = JSON.parse(line);
    if (typeof entry !== 'object' || entry === null) return line;
    const message = 'msg' in entry && typeof entry.msg === 'string' ? entry.msg : line;
    const error = 'err' in entry && typeof entry.err === 'object' ? entry.err : null;
    const cause = error !== null && 'message' in error && typeof error.message === 'string' ? error.message : '';
    return cause === '' || message.includes(cause) ? message : `${message}: ${cause}`;
  } catch {
    // Cut off in the middle or not JSON after all: show it as it is.
    return line;
  }
}
