// The fake store of deployments passes the suite of the real ones.
import { describeDeploymentStore } from './deployment-store-contract.ts';
import { MemoryDeploymentStore } from './memory-deployment-store.ts';

describeDeploymentStore('memory', async () => ({ store: new MemoryDeploymentStore(), end: () => undefined }));
