/** Acknowledged damage, in a file: it is in rows that outlast the auditor, and so must be that it is known. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { KnownDamage } from '../domain/board.ts';

const check = Compile(
  Type.Record(
    Type.String({ pattern: '^\\d{1,2}$' }),
    Type.Object({
      keys: Type.Array(Type.String()),
      windows: Type.Array(Type.Object({ from: Type.Number(), to: Type.Number() })),
    }),
  ),
);

/** Reads what was kept, where there is a file for it. What cannot be read is told to `onForgotten`: then nothing is known. */
export async function openKnownDamage(
  file: string | undefined,
  onForgotten: (error: unknown) => void,
): Promise<{ known: KnownDamage; keep: (known: KnownDamage) => Promise<void> }> {
  if (file === undefined) return { known: {}, keep: async () => undefined };
  let writing: Promise<void> = Promise.resolve();
  const write = async (known: KnownDamage): Promise<void> => {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(`${file}.new`, JSON.stringify(known));
    await rename(`${file}.new`, file);
  };
  return {
    known: await read(file, onForgotten),
    // One after another: two that write the same file would take it from each other.
    keep: (known) => {
      const done = writing.then(() => write(known));
      writing = done.catch(() => undefined);
      return done;
    },
  };
}

async function read(file: string, onForgotten: (error: unknown) => void): Promise<KnownDamage> {
  try {
    const known: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (check.Check(known)) return known;
    onForgotten(new Error(`${file} is not what the auditor writes`));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) onForgotten(error);
  }
  return {};
}
