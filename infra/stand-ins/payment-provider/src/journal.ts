// The append-only file everything is remembered in. One line is one change: a JSON array of records that
// hold together or not at all. What is waiting when the event loop comes round is written in one call.

import { open, type FileHandle } from 'node:fs/promises';
import { createReadStream } from 'node:fs';

const NEWLINE = 0x0a;

type Waiting = { line: string; written: () => void; failed: (error: Error) => void };

/** An open journal. `append` resolves once the line has been handed to the operating system. */
export type Journal<Entry> = {
  /** Writes the records as one line. Rejects if the file cannot be written; from then on always. */
  append: (records: readonly Entry[]) => Promise<void>;
  /** Resolves once everything appended so far is written; rejects if the journal has failed. */
  settled: () => Promise<void>;
  /** Writes what waits and closes the file. */
  close: () => Promise<void>;
};

/**
 * Replays `path` line by line into `apply`, cuts off a last line that was torn by a crash, and opens it
 * for appending. Throws if any earlier line is damaged: a ledger with a hole must not be served.
 */
export async function openJournal<Entry>(path: string, apply: (record: Entry) => void): Promise<Journal<Entry>> {
  const file = await open(path, 'a+', 0o600);
  try {
    const intact = await replay(path, (record) => apply(record as Entry));
    if (intact < (await file.stat()).size) await file.truncate(intact);
  } catch (error) {
    await file.close();
    throw error;
  }
  return writer(file);
}

/**
 * Returns how many bytes are whole lines. Splits on the newline byte only: a line reader would also split
 * on U+2028, which JSON leaves as it is.
 */
async function replay(path: string, apply: (record: unknown) => void): Promise<number> {
  let bytes = 0;
  let number = 0;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    let data: Buffer = Buffer.concat([rest, chunk as Buffer]);
    for (let end = data.indexOf(NEWLINE); end !== -1; end = data.indexOf(NEWLINE)) {
      number += 1;
      for (const record of recordsOf(data.toString('utf8', 0, end), path, number)) apply(record);
      bytes += end + 1;
      data = data.subarray(end + 1);
    }
    rest = data;
  }
  return bytes;
}

function recordsOf(line: string, path: string, number: number): unknown[] {
  try {
    const records: unknown = JSON.parse(line);
    if (!Array.isArray(records)) throw new TypeError('not a list of records');
    return records;
  } catch (error) {
    throw new Error(`${path} is damaged at line ${number}; restore or remove it`, { cause: error });
  }
}

function writer<Entry>(file: FileHandle): Journal<Entry> {
  let waiting: Waiting[] = [];
  let active: Promise<void> | undefined;
  let failure: Error | undefined;

  async function drain(): Promise<void> {
    // One turn of the loop, so that all requests read in this turn share a write.
    await new Promise((resolve) => setImmediate(resolve));
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        if (failure !== undefined) throw failure;
        await file.appendFile(batch.map((item) => item.line).join(''));
        for (const item of batch) item.written();
      } catch (error) {
        failure ??= new Error('The journal cannot be written', { cause: error });
        for (const item of batch) item.failed(failure);
      }
    }
    active = undefined;
  }

  return {
    append: (records) =>
      new Promise((written, failed) => {
        waiting.push({ line: `${JSON.stringify(records)}\n`, written, failed });
        active ??= drain();
      }),
    async settled() {
      await active;
      if (failure !== undefined) throw failure;
    },
    async close() {
      await active;
      await file.close();
    },
  };
}
