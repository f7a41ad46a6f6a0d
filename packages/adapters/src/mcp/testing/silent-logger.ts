// A log that nobody reads.
import type { Logger } from '@insightloop/core';

const ignore = (): void => {};

export const silent: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
