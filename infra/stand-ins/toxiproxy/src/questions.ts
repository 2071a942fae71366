/**
 * Which chunks of an AMQP 0-9-1 connection are question and answer. Elsewhere whoever speaks asks, and the next bytes back are
 * the answer; here a client acknowledges without being answered and is sent messages without having asked. Looks at the first
 * frame of a chunk only: a measurement, not a parser.
 */

const methodFrame = 1;
const heartbeatFrame = 8;
const basic = 60;
const deliver = 60;
const acknowledge = 80;
const negativeAcknowledge = 120;

/** True when a client's chunk waits for an answer. */
export function asks(chunk: Buffer): boolean {
  return chunk[0] !== heartbeatFrame && !isBasic(chunk, acknowledge) && !isBasic(chunk, negativeAcknowledge);
}

/** True when a broker's chunk may answer something. */
export function answers(chunk: Buffer): boolean {
  return chunk[0] !== heartbeatFrame && !isBasic(chunk, deliver);
}

/** Frame: type, channel (2), size (4), then class (2) and method (2). */
function isBasic(chunk: Buffer, method: number): boolean {
  return (
    chunk.length >= 11 &&
    chunk[0] === methodFrame &&
    chunk.readUInt16BE(7) === basic &&
    chunk.readUInt16BE(9) === method
  );
}
