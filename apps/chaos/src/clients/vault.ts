/** What is asked of Vault as root: seal, unseal, and end leases early. */
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { bodyOf, reasonOf, type Asker } from './http.ts';

const healthCheck = Compile(Type.Object({ sealed: Type.Boolean() }));

export interface VaultControl {
  /** Whether the key to open it again is known. */
  readonly canUnseal: boolean;
  /** Also fine where it is sealed. */
  seal(): Promise<void>;
  /** Also fine where it is not sealed. */
  unseal(): Promise<void>;
  isSealed(): Promise<boolean>;
  /** Ends every lease of a service's database login now; null: of all. */
  revokeLeases(role: string | null): Promise<void>;
}

const timeoutMs = 5_000;

export function createVaultControl(
  { address, token, unsealKey }: { address: string; token: string; unsealKey: string | null },
  asker: Asker,
): VaultControl {
  const put = async (path: string, body: object): Promise<void> => {
    const headers = { 'x-vault-token': token };
    const answer = await asker.ask({ method: 'PUT', url: `${address}/v1/${path}`, headers, body, timeoutMs });
    if (answer.status >= 300) throw new Error(`Vault answered ${path} with ${reasonOf(answer)}`);
  };
  const isSealed = async (): Promise<boolean> =>
    bodyOf('Vault', await asker.ask({ url: `${address}/v1/sys/health`, timeoutMs }), healthCheck).sealed;
  return {
    canUnseal: unsealKey !== null,
    seal: async () => {
      // Sealed, it takes no orders.
      if (!(await isSealed())) await put('sys/seal', {});
    },
    unseal: async () => {
      await put('sys/unseal', { key: unsealKey });
      if (await isSealed()) throw new Error('Vault is still sealed');
    },
    isSealed,
    revokeLeases: (role) => put(`sys/leases/revoke-prefix/database/creds${role === null ? '' : `/${role}`}`, {}),
  };
}
