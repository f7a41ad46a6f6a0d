// Wakes the one who writes an event stream: rung when there is news, and remembered until somebody waits for it.

export class Bell {
  #rung = false;
  #wake: () => void = () => {};

  ring(): void {
    this.#rung = true;
    this.#wake();
  }

  /** Resolves when it has rung since the last time, or after `ms` of quiet. One waits at a time. */
  async wait(ms: number): Promise<'rung' | 'quiet'> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const rung = this.#rung;
    this.#rung = false;
    this.#wake = () => {};
    return rung ? 'rung' : 'quiet';
  }
}
