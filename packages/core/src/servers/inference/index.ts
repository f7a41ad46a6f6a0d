// What the rest of core sees of inference.
export { filesToRead, rootFilesToRead } from './files-to-read.ts';
export { inferLaunch } from './infer-launch.ts';
export {
  type Evidence,
  type Inference,
  type InferenceInput,
  type InferredMount,
  type InferredRecipe,
  type InferredServer,
  type ManualRecipe,
  type RepositoryFacts,
  type RepositoryKind,
  repositoryKinds,
  type SubServer,
} from './inference.ts';
export {
  type NamedBy,
  namedByRepository,
  type PackageMetadata,
  pointsBack,
  repositoryOf,
  sameRepository,
} from './package-origin.ts';
