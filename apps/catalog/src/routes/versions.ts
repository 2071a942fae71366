/** Entity tags (RFC 9110, 8.8.3): a product's version as ETag, and the conditions callers make of it. */

/** A strong entity tag. */
export const entityTag = (version: string): string => `"${version}"`;

/** An entity tag list; `any` is `*`. Weak tags keep their mark, since they never count as equal in a strong match. */
export type Condition = { any: true } | { any: false; tags: readonly { tag: string; weak: boolean }[] };

const oneTag = /^(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"$/;

/** Reads `If-Match` or `If-None-Match`; null for what is neither `*` nor a list of entity tags. */
export function readCondition(header: string): Condition | null {
  if (header.trim() === '*') return { any: true };
  const tags: { tag: string; weak: boolean }[] = [];
  // A tag may hold a comma, versions never do: what is cut apart by that matches nothing, and is then refused.
  for (const part of header.split(',')) {
    const match = oneTag.exec(part.trim());
    if (match === null) return null;
    tags.push({ tag: match[2]!, weak: match[1] !== undefined });
  }
  return { any: false, tags };
}
