/** JSON logs by pino, with whatever could be a secret left out. */
import { pino, type Logger } from 'pino';
import { currentTraceparent } from './trace.ts';

export type { Logger };

/** A logger that names service and instance, carries the trace id, and redacts credentials. */
export function createLogger(options: { service: string; instance: string; level: string }): Logger {
  return pino({
    level: options.level,
    base: { service: options.service, instance: options.instance },
    redact: {
      paths: [
        'req.headers.authorization',
        'req.headers.cookie',
        'headers.authorization',
        'headers.cookie',
        '*.password',
        '*.token',
        '*.accessToken',
        '*.refreshToken',
      ],
      censor: '[redacted]',
    },
    serializers: {
      req: (request: { method: string; url: string }) => ({ method: request.method, url: request.url }),
      res: (reply: { statusCode: number }) => ({ status: reply.statusCode }),
      error: pino.stdSerializers.err,
      err: pino.stdSerializers.err,
    },
    mixin: () => {
      const traceparent = currentTraceparent();
      return traceparent === undefined ? {} : { traceId: traceparent.slice(3, 35) };
    },
  });
}
