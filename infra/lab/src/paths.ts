/** Where things are: the checkout, the pinned Node, and the lab's own folder with everything it keeps. */
import { join, resolve } from 'node:path';

/** The root of the checkout, absolute. */
export const repositoryRoot: string = resolve(import.meta.dirname, '..', '..', '..');

/** The Node that runs services: the very binary this process runs on, which `scripts/run.mjs` made sure is the pinned one. */
export const nodeBinary: string = process.execPath;

/** Files and folders inside one lab data directory. */
export type LabPaths = {
  root: string;
  state: string;
  lock: string;
  secrets: string;
  logs: string;
  data: string;
};

/** The layout of a lab data directory. */
export function labPaths(dataDirectory: string): LabPaths {
  const root = resolve(dataDirectory);
  return {
    root,
    state: join(root, 'state.json'),
    lock: join(root, 'lock.json'),
    secrets: join(root, 'secrets.json'),
    logs: join(root, 'logs'),
    data: join(root, 'data'),
  };
}

/** Where packages unpacked without root are kept; shared by every lab of this checkout. */
export const unpackedPackages: string = join(repositoryRoot, '.lab', 'packages');
