// The fake store of tasks passes the suite of the real ones.
import { MemoryTaskStore } from './memory-task-store.ts';
import { describeTaskStore } from './task-store-contract.ts';

describeTaskStore('memory', async () => ({ store: new MemoryTaskStore(), end: () => undefined }));
