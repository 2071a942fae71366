/** A mesh of the commerce path for one run, with data of its own; gone with it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { guarded, startMesh, type Guarded, type Mesh } from '@ballast/lab';

/** One customer stands for many, and many sign in from one address. */
const unlimited = { RATE_LIMIT_BURST: '1000000', RATE_LIMIT_PER_SECOND: '1000000' };

/** `disposable` parts are faster, and lose what they hold when they die. */
export async function openMesh(options: { portBase: number; disposable: boolean }): Promise<Guarded<Mesh>> {
  const dataDirectory = await mkdtemp(join(import.meta.dirname, '../../.lab-campaign-'));
  const remove = (): Promise<void> => rm(dataDirectory, { recursive: true, force: true });
  return await guarded(
    async (signal) => {
      try {
        return await startMesh({
          ...options,
          dataDirectory,
          profile: 'light',
          parts: 'native',
          serviceEnvironment: { bff: unlimited },
          signal,
        });
      } catch (error) {
        await remove();
        throw error;
      }
    },
    async (mesh) => {
      await mesh.stop();
      await remove();
    },
  );
}
