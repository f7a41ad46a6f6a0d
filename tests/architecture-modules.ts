// What the architecture test reads: the project's modules with what each imports, found with TypeScript's own parser.
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import ts from 'typescript';

/** One mention of another module, of whatever form: import, re-export, `import()`, `import('…').Type`. */
export interface Import {
  /** A path from the project's root, a package's name, or `node:…`. */
  target: string;
  /** Nothing of it is left when the types are stripped. */
  typeOnly: boolean;
  line: number;
}

export interface Module {
  /** From the project's root, with forward slashes. */
  path: string;
  firstLine: string;
  imports: Import[];
  /** The lines that read the environment. */
  environmentReads: number[];
  /** The lines of `export * from`. */
  exportStars: number[];
}

const skipped = new Set(['node_modules', 'dist', 'generated', 'coverage', 'consumer']);

/** All modules of ours below some folders of the project. */
export function readModules(root: string, folders: readonly string[]): Module[] {
  const visit = (folder: string): string[] =>
    readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = posix.join(folder, entry.name);
      if (entry.isDirectory()) return skipped.has(entry.name) ? [] : visit(path);
      return entry.isFile() && path.endsWith('.ts') ? [path] : [];
    });
  return folders.flatMap(visit).map((path) => parseModule(path, readFileSync(join(root, path), 'utf8')));
}

export function parseModule(path: string, text: string): Module {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const lineOf = (node: ts.Node): number => file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1;
  const module: Module = {
    path,
    firstLine: text.slice(0, text.indexOf('\n')),
    imports: [],
    environmentReads: [],
    exportStars: [],
  };
  const visit = (node: ts.Node): void => {
    const found = importIn(node);
    if (found !== undefined) {
      const { specifier, typeOnly } = found;
      module.imports.push({ target: resolve(path, specifier), typeOnly, line: lineOf(node) });
    }
    if (readsEnvironment(node)) module.environmentReads.push(lineOf(node));
    if (ts.isExportDeclaration(node) && node.moduleSpecifier && !isNamed(node))
      module.exportStars.push(lineOf(node));
    ts.forEachChild(node, visit);
  };
  visit(file);
  return module;
}

const resolve = (path: string, specifier: string): string =>
  specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : specifier;

const isNamed = (node: ts.ExportDeclaration): boolean =>
  node.exportClause !== undefined && ts.isNamedExports(node.exportClause);

function importIn(node: ts.Node): { specifier: string; typeOnly: boolean } | undefined {
  if (ts.isImportDeclaration(node)) return named(node.moduleSpecifier, isTypeOnlyImport(node.importClause));
  if (ts.isExportDeclaration(node) && node.moduleSpecifier)
    return named(node.moduleSpecifier, node.isTypeOnly || areTypes(node.exportClause));
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
    return named(node.argument.literal, true);
  if (ts.isExternalModuleReference(node)) return named(node.expression, false);
  if (ts.isCallExpression(node) && isLoader(node.expression)) return named(node.arguments[0], false);
  return undefined;
}

const named = (
  node: ts.Node | undefined,
  typeOnly: boolean,
): { specifier: string; typeOnly: boolean } | undefined =>
  node !== undefined && ts.isStringLiteralLike(node) ? { specifier: node.text, typeOnly } : undefined;

/** `import()`, `require()` and `import.meta.resolve()`. */
function isLoader(node: ts.Expression): boolean {
  if (node.kind === ts.SyntaxKind.ImportKeyword) return true;
  if (ts.isIdentifier(node)) return node.text === 'require';
  return (
    ts.isPropertyAccessExpression(node) && node.name.text === 'resolve' && ts.isMetaProperty(node.expression)
  );
}

/** `import 'x'` and `import {} from 'x'` load the module, so they are not. */
function isTypeOnlyImport(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  return clause.name === undefined && areTypes(clause.namedBindings);
}

/** Each name of the list says `type`. With verbatim module syntax the import itself stays, but brings no value. */
const areTypes = (names: ts.NamedImportBindings | ts.NamedExportBindings | undefined): boolean =>
  names !== undefined &&
  (ts.isNamedImports(names) || ts.isNamedExports(names)) &&
  names.elements.length > 0 &&
  names.elements.every((name) => name.isTypeOnly);

/** `process.env` in each way that it can be written; importing `process` counts, for it is a global and needs none. */
function readsEnvironment(node: ts.Node): boolean {
  if (ts.isPropertyAccessExpression(node)) return node.name.text === 'env' && isProcess(node.expression);
  if (ts.isElementAccessExpression(node))
    return (
      ts.isStringLiteralLike(node.argumentExpression) &&
      node.argumentExpression.text === 'env' &&
      isProcess(node.expression)
    );
  if (ts.isVariableDeclaration(node) && node.initializer && isProcess(node.initializer))
    return ts.isObjectBindingPattern(node.name) && node.name.elements.some(takesEnv);
  return /^(node:)?process$/.test(importIn(node)?.specifier ?? '');
}

const isProcess = (node: ts.Expression): boolean =>
  (ts.isIdentifier(node) && node.text === 'process') ||
  (ts.isPropertyAccessExpression(node) && node.name.text === 'process');

const takesEnv = ({ name, propertyName, dotDotDotToken }: ts.BindingElement): boolean => {
  const taken = propertyName ?? name;
  return dotDotDotToken !== undefined || (ts.isIdentifier(taken) && taken.text === 'env');
};
