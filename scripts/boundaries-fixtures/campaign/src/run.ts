import pg from 'pg';
import { until } from '@ballast/testing';

export const seed: string | undefined = process.env.SEED; // planted: process.env in config.ts only
export { pg, until };
