// The command lines of npm. A package's name stands after `--` and was checked: npm also takes paths, flags and addresses.

/** For every command: no colours, no questions, no report of ours to anybody, no log files beside the cache. */
const quiet = ['--color=false', '--progress=false', '--update-notifier=false', '--logs-max=0', '--yes=false'];

const places = ({ npmrc, cache }: NpmPlaces): string[] => [
  `--userconfig=${npmrc}`,
  // Not there on purpose: the operator's own is already in the other file.
  `--globalconfig=${npmrc}.global`,
  `--cache=${cache}`,
];

export interface NpmPlaces {
  npmrc: string;
  cache: string;
}

/** Prints the version. */
export const npmViewArgs = (subject: string, where: NpmPlaces): string[] => [
  'view',
  '--loglevel=warn',
  ...quiet,
  ...places(where),
  '--',
  subject,
  'version',
];

export const npmInstallArgs = (subject: string, where: NpmPlaces): string[] => [
  'install',
  '--ignore-scripts',
  '--no-audit',
  '--no-fund',
  '--omit=dev',
  '--package-lock=true',
  '--save-exact',
  '--install-strategy=hoisted',
  // Cloning runs code that the repository chooses, even without scripts. Older versions know only the second.
  '--allow-git=none',
  '--git=/nonexistent/git',
  // A line for each download: that is the progress there is.
  '--loglevel=http',
  ...quiet,
  ...places(where),
  '--',
  subject,
];

/** Runs the install scripts of everything that is there. */
export const npmRebuildArgs = (where: NpmPlaces): string[] => [
  'rebuild',
  '--ignore-scripts=false',
  // Newer versions run only what package.json lists; older ones do not know the flag and warn.
  '--dangerously-allow-all-scripts=true',
  '--foreground-scripts',
  '--loglevel=warn',
  ...quiet,
  ...places(where),
];
