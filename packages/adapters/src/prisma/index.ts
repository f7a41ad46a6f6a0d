// The database through Prisma, by name.
export { createAnswerStore } from './answer-store.ts';
export { openDatabase, type Database, type DatabaseOptions } from './database.ts';
export { createDeploymentStore } from './deployment-store.ts';
export { createServerStore } from './server-store.ts';
export { createTaskStore } from './task-store.ts';
