/** Toxiproxy's errors: `{"error", "status"}`. Texts are those of its api.go. */

/** An answer that says what is wrong. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
  }

  /** What is sent. */
  get body(): { error: string; status: number } {
    return { error: this.message, status: this.status };
  }
}

/** 400, with what is wrong in the body. */
export function badRequest(why: string): ApiError {
  return new ApiError(400, `bad request body: ${why}`);
}

/** 400, naming the field. */
export function missingField(field: string): ApiError {
  return new ApiError(400, `missing required field: ${field}`);
}

/** The errors without details. */
export const errors = {
  proxyNotFound: () => new ApiError(404, 'proxy not found'),
  proxyExists: () => new ApiError(409, 'proxy already exists'),
  invalidStream: () => new ApiError(400, 'stream was invalid, can be either upstream or downstream'),
  invalidType: () => new ApiError(400, 'invalid toxic type'),
  toxicExists: () => new ApiError(409, 'toxic already exists'),
  toxicNotFound: () => new ApiError(404, 'toxic not found'),
};
