/** The packages of a repository, with the tags that the import rules are written in. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** One package.json. `directory` is relative to the repository, `''` for the root package itself. */
export type Workspace = {
  name: string;
  directory: string;
  tags: readonly string[];
  dependencies: readonly string[];
  devDependencies: readonly string[];
};

/** All packages of a repository; `owner` answers which one a file (relative, with `/`) belongs to. */
export type Workspaces = {
  all: readonly Workspace[];
  byName: ReadonlyMap<string, Workspace>;
  owner: (file: string) => Workspace;
};

type Manifest = {
  name?: string;
  workspaces?: readonly string[];
  nx?: { tags?: readonly string[] };
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
};

/** Reads the root package.json of `root` and those of its workspaces. */
export function readWorkspaces(root: string): Workspaces {
  const rootManifest = readManifest(join(root, 'package.json'));
  const manifests = (rootManifest.workspaces ?? []).flatMap((pattern) =>
    globSync(`${pattern}/package.json`, { cwd: root }),
  );
  const rootWorkspace = toWorkspace(rootManifest, '');
  const members = manifests
    .toSorted()
    .map((path) => toWorkspace(readManifest(join(root, path)), dirname(path).replaceAll('\\', '/')));
  return {
    all: [rootWorkspace, ...members],
    byName: new Map([rootWorkspace, ...members].map((workspace) => [workspace.name, workspace])),
    owner: (file) => members.find(({ directory }) => file.startsWith(`${directory}/`)) ?? rootWorkspace,
  };
}

/** True when the workspace has the tag, e.g. `layer:platform`. */
export function isTagged(workspace: Workspace, tag: string): boolean {
  return workspace.tags.includes(tag);
}

function readManifest(path: string): Manifest {
  return JSON.parse(readFileSync(path, 'utf8')) as Manifest;
}

function toWorkspace(manifest: Manifest, directory: string): Workspace {
  return {
    name: manifest.name ?? directory,
    directory,
    tags: manifest.nx?.tags ?? [],
    dependencies: Object.keys(manifest.dependencies ?? {}),
    devDependencies: Object.keys(manifest.devDependencies ?? {}),
  };
}
