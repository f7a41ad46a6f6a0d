// Events as JSON: written once, however many readers a door has.

/**
 * Of the latest events of the log, which are shared by all who read them and never change. Few, as readers of one event
 * come right after each other, and not weak: entries that the collector has to look at cost more than writing anew.
 */
const written = new Map<object, string>();
const maxWritten = 256;

export function jsonOf(data: unknown): string {
  if (typeof data !== 'object' || data === null || !('channel' in data)) return JSON.stringify(data);
  const known = written.get(data);
  if (known !== undefined) return known;
  const json = JSON.stringify(data);
  if (written.size >= maxWritten) written.clear();
  written.set(data, json);
  return json;
}

/** What kind of event it is; null where it does not say. */
export const typeOf = (data: unknown): string | null =>
  typeof data === 'object' && data !== null && 'type' in data && typeof data.type === 'string'
    ? data.type
    : null;
