import { connect } from 'amqplib';
import { query } from '@ballast/postgres';
import { main } from '../../../infra/lab/src/main.ts'; // planted: relative imports stay in their package

export { connect, query, main };
