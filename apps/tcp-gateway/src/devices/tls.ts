/** TLS by configuration. */
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { ConfigError } from '@ballast/service';

/** Files in PEM. */
export interface TlsSettings {
  TLS_CERT?: string;
  TLS_KEY?: string;
  TLS_CLIENT_CA?: string;
}

/** Certificates, and whether devices have to show one of their own. */
export interface TlsMaterial {
  context: SecureContextOptions;
  asksDevices: boolean;
}

/** Reads the files; undefined where none is set. Throws a `ConfigError` that names the setting at fault. */
export function readTls({ TLS_CERT, TLS_KEY, TLS_CLIENT_CA }: TlsSettings): TlsMaterial | undefined {
  if (TLS_CERT === undefined && TLS_KEY === undefined && TLS_CLIENT_CA === undefined) return undefined;
  if (TLS_CERT === undefined || TLS_KEY === undefined) {
    throw new ConfigError('TLS_CERT, TLS_KEY: both are needed where one of them or TLS_CLIENT_CA is set');
  }
  const context: SecureContextOptions = {
    cert: read('TLS_CERT', TLS_CERT),
    key: read('TLS_KEY', TLS_KEY),
    ...(TLS_CLIENT_CA === undefined ? {} : { ca: read('TLS_CLIENT_CA', TLS_CLIENT_CA) }),
    minVersion: 'TLSv1.2',
  };
  try {
    createSecureContext(context);
  } catch (error) {
    throw new ConfigError(`TLS_CERT, TLS_KEY: ${messageOf(error)}`);
  }
  return { context, asksDevices: TLS_CLIENT_CA !== undefined };
}

function read(setting: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new ConfigError(`${setting}: ${messageOf(error)}`);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
