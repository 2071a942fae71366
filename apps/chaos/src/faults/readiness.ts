/** Whether what a fault has touched does its work again. */
import type { Mesh } from '../clients/mesh.ts';
import type { MeshInstance } from '../state.ts';

/** Who is not ready, with the reason. All are asked at once. */
export async function notReady(mesh: Mesh, instances: readonly MeshInstance[]): Promise<string[]> {
  const reports = await Promise.all(
    instances.map(async (instance) => {
      const readiness = await mesh.readiness(instance);
      if (readiness.state === 'ready') return null;
      if (readiness.state === 'unreachable') return `${instance.name}: ${readiness.reason}`;
      return `${instance.name}: ${Object.keys(readiness.failing).join(', ')}`;
    }),
  );
  return reports.filter((report) => report !== null);
}
