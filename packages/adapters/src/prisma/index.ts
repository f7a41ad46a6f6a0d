// The database through Prisma, by name.
export { createAnswerStore } from './answer-store.ts';
export { openDatabase, type Database, type DatabaseOptions } from './database.ts';
export { createDeploymentStore } from './deployment-store.ts';
export { createDiscoveryStore } from './discovery-store.ts';
export { createHttpCache } from './http-cache.ts';
export { createServerStore } from './server-store.ts';
export { createTaskStore } from './task-store.ts';
