// What tests and measurements drive in their own process.
export { baseUrl, createApp, type AppParts } from './app.ts';
export { createIds, systemClock } from './machine.ts';
