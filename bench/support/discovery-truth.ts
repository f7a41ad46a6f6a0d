// The truth about a repository of a discovery dataset, read leniently: what a folder leaves out is empty.
import { z } from 'zod';

const names = z.array(z.string()).default([]);

const truthRecipe = z.object({
  method: z.string(),
  package: z.string().optional(),
  image: z.string().nullish(),
  url: z.string().optional(),
  via: z.string().optional(),
  args: names,
  args_optional: z.boolean().default(false),
  args_not_in_readme: z.boolean().default(false),
  preferred: z.boolean().default(false),
});
export type TruthRecipe = z.infer<typeof truthRecipe>;

const ofServer = {
  recipes: z.array(truthRecipe).default([]),
  required_env: names,
  conditional_env: names,
  required_env_any_of: z.array(z.array(z.string())).default([]),
  optional_env: names,
  secret_env: names,
  secret_env_accept: names,
  neutral_env: names,
  neutral_env_regex: z.string().nullish(),
  default_port: z.number().nullish(),
  default_port_accept: z.array(z.number()).default([]),
  transports: names,
  tools: names,
};
const truthServer = z.object({ ...ofServer, path: z.string(), name: z.string() });

export const truthSchema = z.object({
  ...ofServer,
  full_name: z.string(),
  is_server: z.boolean(),
  kind: z.string(),
  servers: z.array(truthServer).default([]),
  must_not: z.array(z.object({ value: z.string(), role: z.string() })).default([]),
});
export type Truth = z.infer<typeof truthSchema>;
export type ServerTruth = Pick<Truth, keyof typeof ofServer>;
