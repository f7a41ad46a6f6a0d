// Text that every part of us can keep: PostgreSQL stores neither NUL nor half a surrogate pair.
import { z } from 'zod';

export const storableText = z
  .string()
  .refine((text) => !text.includes('\0') && text.isWellFormed(), 'must be Unicode text without NUL');
