/**
 * Whether a part answers, asked in its own protocol and without a login: the first words of a conversation, which every
 * server of that kind answers before it knows who is there.
 */
import { connect } from 'node:net';

interface Greeting {
  port: number;
  /** What is said first, and how the answer begins; null where it is enough to be let in. */
  words: { say: Buffer; answers: readonly string[] } | null;
}

const greetings: Record<string, Greeting> = {
  // SSLRequest (PostgreSQL manual, "Message Formats").
  'postgres:': { port: 5432, words: { say: Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]), answers: ['S', 'N'] } },
  // A server that wants a password says so, which is an answer too.
  'redis:': { port: 6379, words: { say: Buffer.from('PING\r\n'), answers: ['+PONG', '-NOAUTH'] } },
  // A conversation that breaks off after its first words is an error in the broker's log, each second; silence is not.
  'amqp:': { port: 5672, words: null },
};

/** Whether there is a way to ask a part of this kind. */
export const canProbe = (url: string): boolean => greetings[protocolOf(url)] !== undefined;

/** Resolves once the part at `url` has answered; rejects where it does not within `timeoutMs`, or with something else. */
export async function probePart(url: string, timeoutMs: number): Promise<void> {
  const greeting = greetings[protocolOf(url)];
  if (greeting === undefined) throw new Error(`nobody knows how to ask ${protocolOf(url)} whether it is there`);
  const { port: usualPort, words } = greeting;
  const { hostname, port } = new URL(url);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error('no answer in time')), timeoutMs);
  const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || usualPort });
  socket.on('connect', () => {
    if (words === null) resolve();
    else socket.write(words.say);
  });
  socket.on('data', (data) => {
    const answer = data.toString('latin1');
    if (words?.answers.some((expected) => answer.startsWith(expected)) === true) resolve();
    else reject(new Error('it answers something else than a part of its kind'));
  });
  socket.on('error', reject);
  socket.on('close', () => reject(new Error('it closed the connection')));
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

/** `postgresql:` is another name for the same. */
const protocolOf = (url: string): string => new URL(url).protocol.replace(/^(postgres)ql:$/, '$1:');
