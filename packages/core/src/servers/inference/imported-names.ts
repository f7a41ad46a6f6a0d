// Names that the programs shown in a document import, so that they are not taken for variables.
import { type MarkdownDocument } from './markdown.ts';

/** Constants that programs in the document import: they are written like variables. */
export function importedNames({ blocks }: MarkdownDocument): Set<string> {
  const found = new Set<string>();
  for (const { language, text } of blocks) {
    if (found.size > 200 || !/^(?:py|python|[tj]sx?|typescript|javascript|mjs)$/.test(language)) continue;
    for (const [line] of text.slice(0, 20_000).matchAll(/^\s{0,20}(?:from \S{1,200} )?import .{1,400}$/gm))
      for (const [name] of line.matchAll(/\b[A-Z][A-Z0-9]{0,40}(?:_[A-Z0-9]{1,40}){1,12}\b/g))
        found.add(name);
  }
  return found;
}
