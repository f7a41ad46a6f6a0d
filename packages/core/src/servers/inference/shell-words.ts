// A line of a shell as words. Nothing is expanded and nothing is run.

export interface ShellCommand {
  words: string[];
  line: number;
}

/** The words of one command; quotes and backslashes as in a POSIX shell. */
export function splitWords(source: string): string[] {
  return commandsOf(source)[0]?.words ?? [];
}

const mostCommands = 400;
const longestCommand = 16 * 1024;

/**
 * The commands of a block: lines joined over their continuations (`\`, `` ` ``, `^`), split at `&&`, `||`, `;`, `|`.
 * One pass over the characters.
 */
export function commandsOf(block: string): ShellCommand[] {
  const scanner = new ShellScanner();
  const source = block.length > longestBlock ? block.slice(0, longestBlock) : block;
  scanner.scan(source);
  return scanner.commands;
}

const longestBlock = 128 * 1024;

class ShellScanner {
  readonly commands: ShellCommand[] = [];
  #words: string[] = [];
  #word = '';
  #inWord = false;
  #line = 1;
  #start = 1;

  scan(source: string): void {
    for (let at = 0; at < source.length && this.commands.length < mostCommands; at += 1) {
      const char = source[at] ?? '';
      const next = source[at + 1] ?? '';
      if (char === '\n') {
        this.#endCommand();
        this.#line += 1;
        this.#start = this.#line;
      } else if (
        (char === '\\' || char === '`' || char === '^') &&
        /^[ \t]{0,8}(?:\n|$)/.test(source.slice(at + 1, at + 12))
      ) {
        const end = source.indexOf('\n', at);
        at = end === -1 ? source.length : end;
        this.#line += 1;
        this.#endWord();
      } else if (char === '\\' && next !== '') {
        // A Windows path keeps its backslashes.
        const windows = /[A-Za-z0-9_.]/.test(next) && /[A-Za-z]:|\\/.test(this.#word.slice(0, 3));
        this.#take(windows ? char + next : next);
        at += 1;
      } else if (char === "'" && /[a-z]$/i.test(this.#word)) this.#take(char);
      else if (char === "'" || char === '"') at = this.#quoted(source, at, char);
      else if (/\s/.test(char)) this.#endWord();
      else if (char === '#' && !this.#inWord) {
        const end = source.indexOf('\n', at);
        at = end === -1 ? source.length : end - 1;
      } else if (char === ';' || char === '|' || (char === '&' && next === '&')) {
        this.#endCommand();
        this.#start = this.#line;
        if (next === char) at += 1;
      } else this.#take(char);
    }
    this.#endCommand();
  }

  #quoted(source: string, at: number, quote: string): number {
    let end = at + 1;
    let inside = '';
    while (end < source.length && source[end] !== quote) {
      const char = source[end] ?? '';
      if (quote === '"' && char === '\\' && /["\\$`\n]/.test(source[end + 1] ?? '')) {
        end += 1;
        inside += source[end] ?? '';
      } else inside += char;
      if (char === '\n') this.#line += 1;
      if (inside.length > longestCommand) break;
      end += 1;
    }
    // An apostrophe in prose opens nothing.
    if (end >= source.length) {
      this.#take(quote);
      return at;
    }
    this.#take(inside);
    return end;
  }

  #take(part: string): void {
    this.#word += part;
    this.#inWord = true;
  }

  #endWord(): void {
    if (this.#inWord) this.#words.push(this.#word);
    this.#word = '';
    this.#inWord = false;
  }

  #endCommand(): void {
    this.#endWord();
    const words =
      this.#words[0] === '$' || this.#words[0] === '>' || this.#words[0] === '%'
        ? this.#words.slice(1)
        : this.#words;
    if (words.length > 0) this.commands.push({ words, line: this.#start });
    this.#words = [];
  }
}
