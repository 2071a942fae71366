/** When two e-mail addresses are the same. */

/**
 * The form an address is stored and looked up in. The part before the @ may be case-sensitive by RFC 5321, but no
 * provider people use treats it so, and two accounts that differ only in case would be a trap.
 */
export function normaliseEmail(email: string): string {
  return email.normalize('NFC').toLowerCase();
}
