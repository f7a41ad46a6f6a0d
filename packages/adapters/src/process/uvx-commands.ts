// The command lines of uv. A package's name was checked before: uv also takes paths, addresses and options in its place.

export interface UvPlaces {
  cache: string;
  /** The operator's uv.toml; null where there is none, and then none is looked for. */
  config: string | null;
}

const common = ({ cache, config }: UvPlaces): string[] => [
  '--color=never',
  '--no-progress',
  `--cache-dir=${cache}`,
  config === null ? '--no-config' : `--config-file=${config}`,
];

export interface UvBuilds {
  /** Source distributions run their own code when they are built. */
  allowBuilds: boolean;
}

const builds = ({ allowBuilds }: UvBuilds): string[] => (allowBuilds ? [] : ['--no-build']);

/** Prints `name==version`, without looking at what it depends on. */
export const uvResolveArgs = (requirementsFile: string, where: UvPlaces, options: UvBuilds): string[] => [
  'pip',
  'compile',
  '--no-deps',
  '--no-header',
  '--no-annotate',
  '--quiet',
  ...builds(options),
  ...common(where),
  '--',
  requirementsFile,
];

/** Takes the Python of the machine, or downloads one. */
export const uvVenvArgs = (folder: string, where: UvPlaces): string[] => [
  'venv',
  '--no-project',
  ...common(where),
  '--',
  folder,
];

export interface UvInstall extends UvBuilds {
  python: string;
  name: string;
  version: string;
}

export const uvInstallArgs = (
  { python, name, version, allowBuilds }: UvInstall,
  where: UvPlaces,
): string[] => [
  'pip',
  'install',
  `--python=${python}`,
  // Copies: the cache is writable to the installer, and what a server runs must not be.
  '--link-mode=copy',
  // The server cannot write beside its code, and would compile it at each start.
  '--compile-bytecode',
  ...builds({ allowBuilds }),
  ...common(where),
  '--',
  `${name}==${version}`,
];
