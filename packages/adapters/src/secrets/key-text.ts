// How a key is written.

export const keyBytes = 32;

/** 32 bytes in hex (64 digits) or base64 (43 characters, with or without `=`); null for what is neither. */
export function keyOfText(text: string): Buffer | null {
  if (/^[\da-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  if (!/^(?:[A-Za-z\d+/]{43}|[\w-]{43})=?$/.test(text)) return null;
  const key = Buffer.from(text, 'base64');
  return key.length === keyBytes ? key : null;
}
