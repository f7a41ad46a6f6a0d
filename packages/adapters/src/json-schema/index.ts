// JSON Schema: whether arguments fit a tool's schema.
export { createArgumentValidator } from './argument-validator.ts';
