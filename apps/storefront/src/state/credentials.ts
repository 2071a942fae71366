/** What can be said about an address and a password before they are sent. Pure. */
import type { Credentials } from '@ballast/contracts';

export type FieldErrors = { email?: string; password?: string };

/** The limits the API has, too (contracts, `Credentials`). */
const shortestPassword = 10;
const longestPassword = 200;
const longestEmail = 254;

/** Sentences for what is surely wrong. Signing in, a short password is not held against anyone. */
export function checkCredentials({ email, password }: Credentials, purpose: 'sign-in' | 'register'): FieldErrors {
  const errors: FieldErrors = {};
  const address = email.trim();
  if (address === '') errors.email = 'Please enter your email address.';
  else if (!/^[^\s@]+@[^\s@]+$/.test(address) || address.length > longestEmail)
    errors.email = 'This does not look like an email address.';
  if (password === '') errors.password = 'Please enter your password.';
  else if (password.length > longestPassword) errors.password = `A password has at most ${longestPassword} characters.`;
  else if (purpose === 'register' && password.length < shortestPassword)
    errors.password = `Please choose at least ${shortestPassword} characters.`;
  return errors;
}
