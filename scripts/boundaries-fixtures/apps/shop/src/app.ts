import '@ballast/till'; // planted: nobody imports an app
import { start } from '@ballast/lab'; // planted: apps import libs only
import { till } from '../../till/src/main.ts'; // planted: relative imports stay in their package
import { until } from '@ballast/testing'; // planted: testing is for tests; workspace imports are declared
import { publish } from '@ballast/messaging'; // planted: workspace imports are declared
import pg from 'pg'; // planted: pg in stores only
import type { Pool } from 'pg'; // planted: pg in stores only
import type { Channel } from 'amqplib'; // planted: amqplib in messaging only
import { env } from 'node:process'; // planted: process.env in config.ts only
import { query } from '@ballast/postgres';
import { money } from '@ballast/contracts';

export { connect } from 'amqplib'; // planted: amqplib in messaging only
export * from 'pg'; // planted: pg in stores only
export type Till = import('@ballast/till').Till; // planted: nobody imports an app

const { env: settings } = process; // planted: process.env in config.ts only
const port = process.env.PORT; // planted: process.env in config.ts only
const host = globalThis.process['env']['HOST']; // planted: process.env in config.ts only
const late = await import('pg'); // planted: pg in stores only
const computed = await import(`./${host}.ts`); // planted: imports are literal

export { start, till, until, publish, pg, env, query, money, settings, port, late, computed };
export type { Pool, Channel };
