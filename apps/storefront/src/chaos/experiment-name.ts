/** The name an exported experiment's file gets. Pure. */

/** `Half the mesh is down!` → `half-the-mesh-is-down.json`. */
export function fileNameOf(name: string): string {
  const plain = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 60);
  return `${plain === '' ? 'experiment' : plain}.json`;
}
