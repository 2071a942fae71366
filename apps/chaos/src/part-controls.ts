/** The parts' own controls, as far as this mesh has them; a sentence in place of each that is missing. */
import type { Report } from '@ballast/service';
import { createBrokerControl } from './clients/broker.ts';
import type { Asker } from './clients/http.ts';
import { createRedisControl } from './clients/redis.ts';
import { createVaultControl } from './clients/vault.ts';
import type { Config } from './config.ts';
import type { PartControls } from './faults/parts.ts';
import { createBackends } from './store/backends.ts';

/** Opens what the settings name; nothing is connected before it is used. */
export function openControls(
  config: Config,
  asker: Asker,
  report: Report,
): { parts: PartControls; close(): Promise<void> } {
  const backends =
    config.POSTGRES_URL === undefined
      ? 'PostgreSQL cannot be controlled from here: POSTGRES_URL is not set.'
      : createBackends(config.POSTGRES_URL, report);
  const redis =
    config.REDIS_URL === undefined
      ? 'Redis cannot be controlled from here: REDIS_URL is not set.'
      : createRedisControl(config.REDIS_URL, report);
  const broker =
    config.brokerProgram === null
      ? 'RabbitMQ cannot be controlled from here: BROKER_CONTROL is not set.'
      : createBrokerControl(config.brokerProgram);
  const { VAULT_ADDR: address, VAULT_TOKEN: token, VAULT_UNSEAL_KEY: unsealKey = null } = config;
  const vault =
    address === undefined || token === undefined
      ? 'Vault cannot be controlled from here: VAULT_ADDR and VAULT_TOKEN are not both set.'
      : createVaultControl({ address, token, unsealKey }, asker);
  return {
    parts: { backends, broker, redis, vault },
    close: async () => {
      if (typeof redis !== 'string') redis.close();
      if (typeof backends !== 'string') await backends.close();
    },
  };
}
