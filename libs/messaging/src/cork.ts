/**
 * The client library hands each frame to the socket by itself, which costs a system call a frame, and the broker as many
 * reads. Here what one turn of the event loop writes leaves together. Nothing waits: the turn's end sends it.
 */
import type { Writable } from 'node:stream';
import type { ChannelModel } from 'amqplib';

/** Gathers what is written to this connection's socket, turn by turn. Without the socket everything works as before. */
export function gatherWrites({ connection }: ChannelModel): void {
  // Not in the library's types: `stream` is the socket.
  const { stream } = connection as unknown as { stream?: Writable };
  if (stream === undefined) return;
  const write = stream.write.bind(stream) as (chunk: unknown) => boolean;
  let corked = false;
  const uncork = (): void => {
    corked = false;
    stream.uncork();
  };
  stream.write = ((chunk: unknown): boolean => {
    if (!corked) {
      corked = true;
      stream.cork();
      process.nextTick(uncork);
    }
    return write(chunk);
  }) as Writable['write'];
}
