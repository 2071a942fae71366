/** Asking a part whether it is ready, in its own protocol and without a client library. */
import { connect } from 'node:net';
import { Client } from 'pg';
import { loopback } from '../ports.ts';

/** True when PostgreSQL lets the administrator in and answers a query. */
export async function postgresAnswers(url: string): Promise<boolean> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: 2000,
    query_timeout: 2000,
  });
  // A server that ends while we ask reports it here as well as by rejecting.
  let broken: Error | undefined;
  client.on('error', (error) => {
    broken = error;
  });
  try {
    await client.connect();
    await client.query('select 1');
    if (broken !== undefined) throw broken;
    return true;
  } finally {
    await client.end();
  }
}

/** True when Redis accepts the password and answers PING. */
export async function redisAnswers(port: number, password: string, signal: AbortSignal): Promise<boolean> {
  const greeting = `AUTH ${password}\r\nPING\r\n`;
  const reply = await exchange(port, greeting, signal, (text) => text.split('\r\n').length > 2);
  if (reply.includes('+PONG')) return true;
  throw new Error(`Redis answered "${reply.trim().split('\r\n').at(-1) ?? ''}"`);
}

/** True when an AMQP 0-9-1 broker sends Connection.Start (class 10, method 10). */
export async function amqpAnswers(port: number, signal: AbortSignal): Promise<boolean> {
  const header = Buffer.from('AMQP\0\0\x09\x01', 'latin1');
  const reply = await exchange(port, header, signal, (text) => text.length >= 11);
  const start = Buffer.from(reply, 'latin1');
  if (start[0] === 1 && start.readUInt16BE(7) === 10 && start.readUInt16BE(9) === 10) return true;
  throw new Error('the broker did not open an AMQP 0-9-1 connection');
}

async function exchange(
  port: number,
  greeting: string | Buffer,
  signal: AbortSignal,
  isComplete: (text: string) => boolean,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect({ host: loopback, port, signal });
  let text = '';
  socket.setEncoding('latin1');
  socket.on('error', reject);
  socket.on('end', () => resolve(text));
  socket.on('close', () => resolve(text));
  socket.on('data', (chunk) => {
    text += String(chunk);
    if (isComplete(text)) resolve(text);
  });
  socket.write(greeting);
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}
