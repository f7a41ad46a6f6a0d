// What the rest of core sees of inference.
export { filesToRead, rootFilesToRead } from './files-to-read.ts';
export { inferLaunch } from './infer-launch.ts';
export type { Inference, InferenceInput, InferredRecipe, InferredServer, SubServer } from './inference.ts';
