// The fake of PackageRegistry does what every PackageRegistry must.
import { FakePackageRegistry } from './fake-package-registry.ts';
import { describePackageRegistry } from './package-registry-contract.ts';

describePackageRegistry('FakePackageRegistry', async () => {
  const registry = new FakePackageRegistry();
  return {
    registry,
    method: 'npx',
    identifier: '@owner/name',
    publish: (draft) => registry.publish(draft),
    disconnect: () => registry.disconnect('the fake is away'),
    end: () => undefined,
  };
});
