/** What a source file reaches for: its imports in every form TypeScript has, and the environment of the process. */
import { parseSync, Visitor } from 'oxc-parser';

/** One import. `specifier` is undefined where it is computed, so that nobody can say what it will be. */
export type Import = { specifier: string | undefined; line: number; typeOnly: boolean };

/** All that the rules ask about a file. Lines count from 1. */
export type Reached = { imports: readonly Import[]; environmentLines: readonly number[] };

/** Parses one file. @throws Error naming the file when it cannot be parsed. */
export function readImports(file: string, source: string): Reached {
  const { program, errors } = parseSync(file, source);
  const [error] = errors;
  if (error !== undefined) throw new Error(`${file} cannot be parsed: ${error.message}`);

  const imports: Import[] = [];
  const environmentLines: number[] = [];
  const lineOf = lineCounter(source);
  const add = (node: { start: number }, specifier: string | undefined, typeOnly: boolean): void => {
    imports.push({ specifier, line: lineOf(node.start), typeOnly });
  };

  new Visitor({
    ImportDeclaration: (node) => {
      const { specifiers } = node;
      const onlyTypes =
        specifiers.length > 0 &&
        specifiers.every((specifier) => specifier.type === 'ImportSpecifier' && specifier.importKind === 'type');
      add(node, node.source.value, node.importKind === 'type' || onlyTypes);
      const takesEnvironment = specifiers.some(
        (specifier) => specifier.type === 'ImportSpecifier' && nameOf(specifier.imported) === 'env',
      );
      if (/^(node:)?process$/.test(node.source.value) && takesEnvironment) environmentLines.push(lineOf(node.start));
    },
    ExportNamedDeclaration: (node) => {
      if (node.source !== null) add(node, node.source.value, node.exportKind === 'type');
    },
    ExportAllDeclaration: (node) => add(node, node.source.value, node.exportKind === 'type'),
    ImportExpression: (node) => add(node, literal(node.source), false),
    TSImportType: (node) => add(node, literal(node.source), true),
    CallExpression: (node) => {
      if (node.callee.type === 'Identifier' && node.callee.name === 'require')
        add(node, literal(node.arguments[0]), false);
    },
    MemberExpression: (node) => {
      const property = node.computed ? literal(node.property) : nameOf(node.property);
      if (property === 'env' && isProcess(node.object)) environmentLines.push(lineOf(node.start));
    },
    VariableDeclarator: (node) => {
      if (!isProcess(node.init) || node.id.type !== 'ObjectPattern') return;
      const takesEnvironment = node.id.properties.some(
        (property) => property.type === 'RestElement' || nameOf(property.key) === 'env',
      );
      if (takesEnvironment) environmentLines.push(lineOf(node.start));
    },
  }).visit(program);
  return { imports, environmentLines };
}

/** The parts of an expression that matter here; the parser's own union of all expressions has them all. */
type Expression = { type: string; name?: unknown; value?: unknown; object?: unknown; property?: unknown };

function nameOf(node: unknown): string | undefined {
  const { name, value } = node as Expression;
  return typeof name === 'string' ? name : typeof value === 'string' ? value : undefined;
}

function literal(node: unknown): string | undefined {
  const expression = node as Expression | undefined;
  return expression?.type === 'Literal' && typeof expression.value === 'string' ? expression.value : undefined;
}

/** `process` or `globalThis.process`. */
function isProcess(node: unknown): boolean {
  const expression = node as Expression | null;
  if (expression === null) return false;
  if (expression.type === 'Identifier') return expression.name === 'process';
  return expression.type === 'MemberExpression' && nameOf(expression.property) === 'process';
}

function lineCounter(source: string): (offset: number) => number {
  return (offset) => source.slice(0, offset).split('\n').length;
}
