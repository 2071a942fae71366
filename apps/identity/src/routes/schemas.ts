/** Schemas that several routes share. */
import { Type } from 'typebox';

/** For routes that take no query: a parameter that would be ignored is refused instead. */
export const noQuery = Type.Object({}, { additionalProperties: false });
