/** The mesh of a run and the post that its payment provider's webhooks go through: begun and ended together. */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startMesh, type Mesh } from '@ballast/lab';
import { leasingLab } from '../config.ts';
import { Post } from './traffic/post.ts';
import type { Exit } from './versions.ts';

export interface Stage {
  mesh: Mesh;
  post: Post;
  /** Processes that ended so far, oldest first. */
  exits: readonly Exit[];
  /** Logs and data. */
  dataDirectory: string;
  /** Stops everything; `keep` leaves logs and data there. */
  close(keep?: boolean): Promise<void>;
}

/** Many customers share one address and one account here. */
const unhurried = {
  RATE_LIMIT_BURST: '1000000',
  RATE_LIMIT_PER_SECOND: '1000000',
  CREDENTIALS_BURST: '100000',
  CREDENTIALS_PER_SECOND: '1000',
};

/** Starts the whole mesh, links, auditor and chaos controller included. */
export async function openStage(options: {
  portBase: number;
  seed: number;
  /** How far behind a replica of catalog may be, in ms; the promise's without it. */
  replicaLagMs?: number;
  /** Leaves the logs of a mesh that does not start. */
  keep?: boolean;
  signal?: AbortSignal;
}): Promise<Stage> {
  const { portBase, seed, signal } = options;
  const dataDirectory = await mkdtemp(join(import.meta.dirname, '../../../.lab-campaign-'));
  const post = await Post.open(seed);
  const exits: Exit[] = [];
  try {
    const mesh = await startMesh({
      dataDirectory,
      portBase,
      profile: 'full',
      parts: 'native',
      disposable: false,
      environment: leasingLab(),
      serviceEnvironment: {
        bff: unhurried,
        ...(options.replicaLagMs === undefined ? {} : { auditor: { REPLICA_LAG_MS: String(options.replicaLagMs) } }),
        'payment-provider': {
          STRIPE_WEBHOOK_URL: `${post.url}/webhooks/stripe`,
          PAYPAL_WEBHOOK_URL: `${post.url}/webhooks/paypal`,
        },
      },
      onEvent: (event) => {
        if (event.type === 'exit') exits.push({ instance: event.component, at: Date.now() });
      },
      ...(signal === undefined ? {} : { signal }),
    });
    return {
      mesh,
      post,
      exits,
      dataDirectory,
      close: async (keep = options.keep ?? false) => {
        await mesh.stop();
        await post.close();
        if (!keep) await rm(dataDirectory, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await post.close();
    if (options.keep !== true) await rm(dataDirectory, { recursive: true, force: true });
    throw error;
  }
}
