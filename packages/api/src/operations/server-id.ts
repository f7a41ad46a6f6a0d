// The parameter by which most operations name their server.
import { storableText } from '@insightloop/core';
import { z } from 'zod';

/** Any text that a database can be asked for: what is no id simply names no server. */
export const serverById = z.strictObject({ server_id: storableText.min(1).max(512) });
