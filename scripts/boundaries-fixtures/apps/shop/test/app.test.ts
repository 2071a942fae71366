import pg from 'pg';
import { until } from '@ballast/testing';
import '@ballast/till'; // planted: nobody imports an app

export const url: string | undefined = process.env.TEST_POSTGRES_URL;
export { pg, until };
