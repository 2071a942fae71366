import pg from 'pg';
import { money } from '@ballast/contracts';
import type { SagaDefinition } from '@ballast/saga'; // planted: platform imports platform and contracts

export { pg, money, type SagaDefinition };
