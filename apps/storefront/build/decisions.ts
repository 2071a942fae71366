/** Turns the files of `docs/adr` into the list of decisions `/lab` shows, while the pages are built. */
import type { Plugin } from 'vite';

export type Decision = {
  number: number;
  title: string;
  /** What was decided, in one sentence. */
  summary: string;
  /** Path in the repository. */
  path: string;
};

/** Reads a decision from its file. Throws an `Error` that names what the file lacks. */
export function readDecision(fileName: string, text: string): Decision {
  const heading = /^# (\d+)\. (.+)$/m.exec(text);
  const decided = /^\*\*Decision\.\*\* (.+)$/m.exec(text);
  if (heading === null) throw new Error(`${fileName} has no heading like "# 4. Group commit"`);
  if (decided === null) throw new Error(`${fileName} has no paragraph that begins with **Decision.**`);
  return {
    number: Number(heading[1]),
    title: plain(heading[2] ?? ''),
    summary: firstSentence(plain(decided[1] ?? '')),
    path: `docs/adr/${fileName}`,
  };
}

/** A bracket around a link: the source of what stands before it, which reads without it. */
const source = / \((?:[^()]*\[[^\]]*\]\([^()]*\))+[^()]*\)/g;

/** Text without sources, and without Markdown's links, code and bold type. */
function plain(text: string): string {
  return text
    .replaceAll(source, '')
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/`|\*\*/g, '')
    .trim();
}

/** Up to the first full stop that ends a sentence: what follows it begins like one. */
function firstSentence(text: string): string {
  return /^.*?[.!?](?=\s+["“A-Z]|$)/.exec(text)?.[0] ?? text;
}

/** A Vite plugin by which importing a Markdown file of `docs/adr` gives its {@link Decision}. */
export function decisions(): Plugin {
  return {
    name: 'ballast-decisions',
    transform(text, id) {
      const fileName = /\/docs\/adr\/(\d{4}-[^/]+\.md)$/.exec(id)?.[1];
      if (fileName === undefined) return undefined;
      return {
        code: `export default ${JSON.stringify(readDecision(fileName, text))};`,
        map: null,
        moduleType: 'js',
      };
    },
  };
}
