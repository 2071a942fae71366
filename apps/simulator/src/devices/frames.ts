/** What a gateway says, read with the distrust that a device had better have as well. */
import { closingReasons, rejectionReasons, Timestamp, Uuid, type GatewayFrame } from '@ballast/contracts';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';

const check = Compile(
  Type.Union([
    Type.Object({
      type: Type.Literal('accepted'),
      sessionId: Uuid,
      expiresAt: Timestamp,
      heartbeatSeconds: Type.Integer({ minimum: 1 }),
    }),
    Type.Object({ type: Type.Literal('rejected'), reason: Type.Enum([...rejectionReasons]) }),
    Type.Object({ type: Type.Literal('ack'), count: Type.Integer({ minimum: 0 }) }),
    Type.Object({ type: Type.Literal('pong') }),
    Type.Object({ type: Type.Literal('closing'), reason: Type.Enum([...closingReasons]) }),
  ]),
);

/** Reads a line; undefined where it is nothing a gateway may say. */
export function readGatewayFrame(line: string): GatewayFrame | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return check.Check(value) ? value : undefined;
  } catch {
    // No JSON: the answer is the same.
    return undefined;
  }
}
