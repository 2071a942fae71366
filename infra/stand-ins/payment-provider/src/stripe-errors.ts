// Stripe's error envelope, and the errors the stand-in answers with. Source: docs.stripe.com/api/errors.

/** The inside of `{ "error": … }`. */
export type StripeErrorBody = {
  type: 'invalid_request_error' | 'card_error' | 'api_error' | 'idempotency_error';
  message: string;
  code?: string;
  decline_code?: string;
  param?: string;
  payment_intent?: unknown;
  charge?: string;
};

/** An error answer thrown out of a handler. */
export class StripeFailure extends Error {
  readonly status: number;
  readonly body: StripeErrorBody;

  constructor(status: number, body: StripeErrorBody) {
    super(body.message);
    this.status = status;
    this.body = body;
  }
}

/** 404 for an object that does not exist (400 where it is named by a parameter, as Stripe does). */
export function noSuch(what: string, id: string, param: string, status = 404): StripeFailure {
  return new StripeFailure(status, {
    type: 'invalid_request_error',
    code: 'resource_missing',
    message: `No such ${what}: '${id.slice(0, 100)}'`,
    param,
  });
}

/** 401 for a missing or wrong key. */
export function unauthorized(key: string | undefined): StripeFailure {
  return new StripeFailure(401, {
    type: 'invalid_request_error',
    message:
      key === undefined
        ? "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        : `Invalid API Key provided: ${key.slice(0, 8)}****${key.slice(-4)}`,
  });
}

/** 400 when a key comes again with another request. */
export function keyReused(key: string): StripeFailure {
  return new StripeFailure(400, {
    type: 'idempotency_error',
    message: `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`,
  });
}

/** 409 while the first request with this key is being worked on. */
export function keyInUse(key: string): StripeFailure {
  return new StripeFailure(409, {
    type: 'invalid_request_error',
    code: 'idempotency_key_in_use',
    message: `There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): ${key}. Please try again later.`,
  });
}

/** 500: in the stand-in, always a reply that got lost. */
export function replyLost(): StripeFailure {
  return new StripeFailure(500, {
    type: 'api_error',
    message: 'An unknown error occurred (stand-in: the effect stands, its reply was lost)',
  });
}
