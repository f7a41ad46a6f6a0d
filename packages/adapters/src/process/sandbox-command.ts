// The command of a sandbox with its whole environment, checked.
import { dirname } from 'node:path';
import { deploymentFailed } from '@insightloop/core';
import { variablePrefix } from './sandbox-scripts.ts';

export interface BoxCommand {
  /** Absolute path of the program, then its arguments. */
  command: readonly string[];
  environment: Readonly<Record<string, string>>;
  /** null: the home. */
  workingFolder: string | null;
}

export interface PreparedCommand {
  command: readonly string[];
  workingFolder: string;
  /** Under names that mean nothing to what runs with our rights on the way there. */
  variables: Readonly<Record<string, string>>;
}

const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** @throws AppError DEPLOYMENT_FAILED for what no process can be given */
export const prepareCommand = (
  { command, environment, workingFolder }: BoxCommand,
  { home, temporary }: { home: string; temporary: string },
): PreparedCommand => {
  const [program = ''] = command;
  if (!program.startsWith('/'))
    throw deploymentFailed(`"${program}" is not the absolute path of a program.`, { program });
  if (command.some((argument) => argument.includes('\0')))
    throw deploymentFailed('An argument of the command contains a NUL character.');
  const path = [dirname(program), '/usr/local/bin', '/usr/bin', '/bin'].join(':');
  const whole = { LANG: 'C.UTF-8', PATH: path, ...environment, HOME: home, TMPDIR: temporary };
  for (const [name, value] of Object.entries(whole)) {
    if (!variableName.test(name) || name.startsWith(variablePrefix) || value.includes('\0'))
      throw deploymentFailed(`The environment variable "${name}" cannot be given to a process.`, { name });
  }
  const variables: Record<string, string> = {};
  for (const [index, [name, value]] of Object.entries(whole).entries())
    variables[`${variablePrefix}${index}`] = `${name}=${value}`;
  return { command, workingFolder: workingFolder ?? home, variables };
};
