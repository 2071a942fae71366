/** Text that comes from devices, made fit for PostgreSQL: it holds neither control code zero nor half surrogates. */

/** The text with U+FFFD for every character that cannot be stored. */
export const storable = (text: string): string => text.toWellFormed().replaceAll('\u0000', '\ufffd');

/** The same for a text that may be missing. */
export const storableOrNull = (text: string | null): string | null => (text === null ? null : storable(text));
