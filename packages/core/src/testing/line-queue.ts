// Lines from one writer to one reader, in memory.

export interface LineQueue<Line> {
  write(line: Line): void;
  end(): void;
  read(): AsyncIterable<Line>;
}

export const lineQueue = <Line>(): LineQueue<Line> => {
  const lines: Line[] = [];
  let ended = false;
  let wake = (): void => {};
  async function* read(): AsyncGenerator<Line> {
    for (;;) {
      const line = lines.shift();
      if (line !== undefined) yield line;
      else if (ended) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  return {
    write(line) {
      lines.push(line);
      wake();
    },
    end() {
      ended = true;
      wake();
    },
    read,
  };
};
