import { randomUUID } from 'node:crypto';
import type { SagaDefinition } from '@ballast/saga';
import { money } from '@ballast/contracts';
import { price } from './price.ts';
import { start } from '@ballast/saga'; // planted: domain imports domain and contracts
import { query } from '@ballast/postgres'; // planted: domain imports domain and contracts
import { readFile } from 'node:fs/promises'; // planted: domain imports domain and contracts
import { orders } from '../store/orders.ts'; // planted: domain imports domain and contracts

export { randomUUID, type SagaDefinition, money, price, start, query, readFile, orders };
