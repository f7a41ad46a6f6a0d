// The registries of packages and images.
export { createPackageRegistry, type PackageRegistryOptions } from './package-registry.ts';
