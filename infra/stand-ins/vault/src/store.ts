/**
 * The state in memory and its file. A save writes a new file beside the old one and renames it, so that a killed process
 * leaves one whole state; saves asked for while one is being written share the next.
 */
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Compile } from 'typebox/compile';
import { emptyState, records, State } from './state.ts';

const checker = Compile(State);

export class Store {
  readonly state: State;
  readonly #path: string;
  #active: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  private constructor(path: string, state: State) {
    this.#path = path;
    this.state = state;
  }

  /** Reads `state.json` in the directory, which is made if missing. @throws Error when it is there and damaged. */
  static async open(directory: string): Promise<Store> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const path = join(directory, 'state.json');
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT')
        return new Store(path, parse(path, JSON.stringify(emptyState())));
      throw error;
    }
    return new Store(path, parse(path, text));
  }

  /** Resolves when everything changed so far is in the file. @throws Error when it cannot be written. */
  async save(): Promise<void> {
    if (this.#active === undefined) {
      this.#active = this.#write().finally(() => (this.#active = undefined));
      return await this.#active;
    }
    this.#next ??= this.#after(this.#active);
    return await this.#next;
  }

  /** Resolves when no save is under way. */
  async settled(): Promise<void> {
    while (this.#active !== undefined || this.#next !== undefined) {
      await Promise.allSettled([this.#active, this.#next]);
    }
  }

  async #after(active: Promise<void>): Promise<void> {
    // Its failure is its own callers' business; this save writes everything anyway.
    await Promise.allSettled([active]);
    this.#next = undefined;
    await this.save();
  }

  async #write(): Promise<void> {
    const file = await open(`${this.#path}.new`, 'w', 0o600);
    try {
      await file.writeFile(JSON.stringify(this.state));
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(`${this.#path}.new`, this.#path);
  }
}

function parse(path: string, text: string): State {
  let value: unknown;
  try {
    value = JSON.parse(text, withoutPrototype);
  } catch (error) {
    throw new Error(`${path} is damaged: it is not JSON; remove it to begin anew`, { cause: error });
  }
  if (checker.Check(value)) return value;
  const [error] = checker.Errors(value);
  throw new Error(`${path} is damaged: ${error?.instancePath ?? ''} ${error?.message ?? ''}; remove it to begin anew`);
}

function withoutPrototype(_key: string, value: unknown): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.assign(records<unknown>(), value)
    : value;
}
