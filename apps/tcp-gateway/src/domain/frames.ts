/** Lines as frames: what a device may say, and what it is told. */
import { AuthFrame, PingFrame, TelemetryFrame, type DeviceFrame, type GatewayFrame } from '@ballast/contracts';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';

// A record's pattern says what a reading of such a name must be, and nothing of other names: they are refused here.
const readings = Type.Unsafe<TelemetryFrame['readings']>({
  ...TelemetryFrame.properties.readings,
  additionalProperties: false,
});
const checks = {
  auth: Compile(AuthFrame),
  telemetry: Compile(Type.Object({ ...TelemetryFrame.properties, readings })),
  ping: Compile(PingFrame),
};

const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads a line; undefined for anything that is not UTF-8, JSON and a frame a device may send. Unknown members are let be. */
export function readFrame(line: Uint8Array): DeviceFrame | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text.decode(line));
  } catch {
    // Not UTF-8 or not JSON: the answer is the same, and what is wrong with a stranger's bytes is not worth a word.
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  switch ((value as { type?: unknown }).type) {
    case 'telemetry':
      return checks.telemetry.Check(value) ? value : undefined;
    case 'ping':
      return { type: 'ping' };
    case 'auth':
      return checks.auth.Check(value) ? value : undefined;
    default:
      return undefined;
  }
}

/** A frame as the line it is sent as. */
export function lineOf(frame: GatewayFrame): string {
  return `${JSON.stringify(frame)}\n`;
}
