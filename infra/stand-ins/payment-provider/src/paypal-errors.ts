// PayPal's error envelope. Source: developer.paypal.com/api/rest/responses.

import { debugId } from './identifiers.ts';

type Detail = { issue: string; description: string; field?: string; value?: string; location?: string };

/** An error answer thrown out of a handler. */
export class PayPalFailure extends Error {
  readonly status: number;
  readonly body: { name: string; message: string; debug_id: string; details: Detail[] };

  constructor(status: number, name: string, message: string, details: Detail[] = []) {
    super(message);
    this.status = status;
    this.body = { name, message, debug_id: debugId(), details };
  }
}

/** 422 with one issue. */
export function unprocessable(issue: string, description: string): PayPalFailure {
  return new PayPalFailure(
    422,
    'UNPROCESSABLE_ENTITY',
    'The requested action could not be performed, semantically incorrect, or failed business validation.',
    [{ issue, description }],
  );
}

/** 404. */
export function notFound(): PayPalFailure {
  return new PayPalFailure(404, 'RESOURCE_NOT_FOUND', 'The specified resource does not exist.', [
    {
      issue: 'INVALID_RESOURCE_ID',
      description: 'Specified resource ID does not exist. Please check the resource ID and try again.',
    },
  ]);
}

/** 400 for a body or header that is not well-formed. */
export function invalidRequest(detail: Detail): PayPalFailure {
  return new PayPalFailure(
    400,
    'INVALID_REQUEST',
    'Request is not well-formed, syntactically incorrect, or violates schema.',
    [detail],
  );
}

/** 401 for a missing or expired access token. */
export function authenticationFailure(): PayPalFailure {
  return new PayPalFailure(
    401,
    'AUTHENTICATION_FAILURE',
    'Authentication failed due to invalid authentication credentials or a missing Authorization header.',
  );
}

/** 409 while the first request with this request id is being worked on. */
export function previousInProgress(): PayPalFailure {
  return new PayPalFailure(
    409,
    'RESOURCE_CONFLICT',
    'The server has detected a conflict while processing this request.',
    [
      {
        issue: 'PREVIOUS_REQUEST_IN_PROGRESS',
        description:
          'A previous request on this resource is currently in progress. Please wait for some time and try again.',
      },
    ],
  );
}

/** 500: in the stand-in, always a reply that got lost. */
export function internalError(): PayPalFailure {
  return new PayPalFailure(500, 'INTERNAL_SERVER_ERROR', 'An internal server error has occurred.', [
    { issue: 'INTERNAL_SERVER_ERROR', description: 'The effect may stand; repeat with the same request id.' },
  ]);
}
