/** Messages between processes that share a simulation: one JSON object a line, on the machine's own loopback. */
import type { Socket } from 'node:net';
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { Snapshot } from '../tally.ts';

const Message = Type.Union([
  /** `plan`: what all have to have been told alike. */
  Type.Object({ kind: Type.Literal('hello'), process: Type.Integer(), plan: Type.String({ maxLength: 10_000 }) }),
  Type.Object({ kind: Type.Literal('prepared') }),
  Type.Object({ kind: Type.Literal('snapshot'), snapshot: Snapshot }),
  Type.Object({ kind: Type.Literal('done'), snapshot: Snapshot }),
  Type.Object({ kind: Type.Literal('failed'), message: Type.String() }),
  Type.Object({ kind: Type.Literal('go'), startsAt: Type.Number(), endsAt: Type.Number() }),
  Type.Object({ kind: Type.Literal('stop') }),
  /** Nothing new, but still there. */
  Type.Object({ kind: Type.Literal('still') }),
  /** The report is out, and this was the verdict. */
  Type.Object({ kind: Type.Literal('end'), code: Type.Integer() }),
]);
export type ChannelMessage = Static<typeof Message>;
const check = Compile(Message);

/** A snapshot has a few kilobytes. */
const lineLimit = 1_048_576;
/** Who says nothing for so long is lost, in ms; each says something once a second. */
const silenceMs = 15_000;

export interface Channel {
  say(message: ChannelMessage): void;
  close(): void;
}

/** Reads and writes messages on a socket; `onGone` comes once, with a reason, also where the other says nonsense. */
export function createChannel(
  socket: Socket,
  on: { message: (message: ChannelMessage) => void; gone: (reason: string) => void },
): Channel {
  let rest = '';
  let reason = 'it hung up';
  const giveUp = (why: string): void => {
    reason = why;
    socket.destroy();
  };
  socket.setEncoding('utf8').setNoDelay(true).setTimeout(silenceMs);
  socket.on('timeout', () => giveUp(`it said nothing for ${silenceMs / 1_000} s`));
  socket.on('error', (error) => {
    reason = error.message;
  });
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      const message = read(line);
      if (message === undefined) return giveUp('it said what no simulator says');
      on.message(message);
    }
    if (rest.length > lineLimit) giveUp('it said too much');
  });
  socket.on('close', () => on.gone(reason));
  return {
    say: (message) => {
      if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
    },
    close: () => socket.end(),
  };
}

function read(line: string): ChannelMessage | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return check.Check(value) ? value : undefined;
  } catch {
    // No JSON: the answer is the same.
    return undefined;
  }
}
