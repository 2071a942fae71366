/** Experiments that come with Ballast: one JSON file each, checked as it is read. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Experiment } from '@ballast/contracts';
import { Compile } from 'typebox/compile';

const check = Compile(Experiment);

/** All of them by name. Throws where a file is not as the contract says. */
export function readLibrary(directory: string): Experiment[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith('.json'))
    .toSorted()
    .map((file) => {
      const value: unknown = JSON.parse(readFileSync(join(directory, file), 'utf8'));
      if (check.Check(value)) return value;
      const [error] = check.Errors(value);
      throw new Error(`${file} is no experiment: ${error?.instancePath} ${error?.message}`);
    });
}
