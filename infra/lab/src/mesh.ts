/**
 * Runs the mesh: parts, stand-ins and services as one thing that can be started, hurt and stopped.
 * `npm start`, the whole-mesh tests and the fault campaign all use this and nothing else.
 */
import { endLeftovers } from './leftovers.ts';
import type { Mesh, MeshOptions } from './mesh-options.ts';
import { type LabPaths, labPaths } from './paths.ts';
import { LabProblem } from './problem.ts';
import { RunningMesh } from './running-mesh.ts';
import { forget, readState, runningSupervisor, takeLock } from './state-file.ts';

/**
 * Starts the mesh and resolves when everything in it is ready.
 * @throws LabProblem, after stopping what was started, when something cannot be had or started.
 */
export async function startMesh(options: MeshOptions): Promise<Mesh> {
  const paths = labPaths(options.dataDirectory);
  if (!takeLock(paths)) throw alreadyRunning(paths);
  let mesh: RunningMesh | undefined;
  try {
    await endLeftovers(paths);
    mesh = await RunningMesh.prepare(options, paths);
    await mesh.start();
    return mesh.face();
  } catch (error) {
    await mesh?.stop();
    forget(paths);
    throw error;
  }
}

function alreadyRunning(paths: LabPaths): LabProblem {
  const state = readState(paths);
  const where = Object.values(state?.urls ?? {})[0];
  const pid = runningSupervisor(paths)?.pid;
  return new LabProblem(
    'lab',
    `Ballast is already running${where === undefined ? '' : ` at ${where}`}${pid === undefined ? '' : ` (process ${pid})`}; stop it with "npm run stop", or see what runs with "npm run status".`,
  );
}
