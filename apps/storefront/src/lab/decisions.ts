/** The decisions on record, read from `docs/adr` when the pages were built (build/decisions.ts). */
import type { Decision } from '../../build/decisions.ts';

const files = import.meta.glob<Decision>('../../../../docs/adr/[0-9]*.md', { eager: true, import: 'default' });

/** All of them, the oldest first. */
export const decisions: readonly Decision[] = Object.values(files).toSorted((one, other) => one.number - other.number);
