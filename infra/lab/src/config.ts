/** The lab's only reader of the environment for its own settings; values meant for services are passed on by topology.ts. */
import { join } from 'node:path';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { repositoryRoot } from './paths.ts';
import { LabProblem } from './problem.ts';

/** What the environment can say about a lab. */
export type LabConfig = {
  /** First port of the mesh; every other port is an offset from it. */
  portBase: number;
  /** Where state, secrets, logs and data are kept, absolute. */
  dataDirectory: string;
};

const highestOffset = 700;

const schema = Compile(
  Type.Object({
    PORT_BASE: Type.Optional(Type.String({ pattern: '^[0-9]{4,5}$' })),
    LAB_DIRECTORY: Type.Optional(Type.String({ minLength: 1 })),
  }),
);

/** Reads `PORT_BASE` (default 4000) and `LAB_DIRECTORY` (default `.lab`). @throws LabProblem when a value cannot be used. */
export function readConfig(environment: NodeJS.ProcessEnv): LabConfig {
  const given = {
    ...(environment['PORT_BASE'] === undefined ? {} : { PORT_BASE: environment['PORT_BASE'] }),
    ...(environment['LAB_DIRECTORY'] === undefined ? {} : { LAB_DIRECTORY: environment['LAB_DIRECTORY'] }),
  };
  const portBase = Number(given.PORT_BASE ?? 4000);
  if (!schema.Check(given) || portBase < 1024 || portBase > 65535 - highestOffset) {
    throw new LabProblem(
      'lab',
      `PORT_BASE is "${given.PORT_BASE ?? ''}", but must be a number from 1024 to ${65535 - highestOffset}; unset it to use 4000.`,
    );
  }
  return { portBase, dataDirectory: given.LAB_DIRECTORY ?? join(repositoryRoot, '.lab') };
}
