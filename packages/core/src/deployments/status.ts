// The statuses of a deployment: which may follow which, and the questions that the rest of the code asks of them.
import { z } from 'zod';

export const deploymentStatuses = [
  'starting',
  'running',
  'degraded',
  'restarting',
  'stopping',
  'stopped',
  'failed',
] as const;
export const deploymentStatus = z.enum(deploymentStatuses);
export type DeploymentStatus = z.infer<typeof deploymentStatus>;

/** What a deployment may become. Stopped and failed ones start again only when somebody asks for it. */
const followers: Readonly<Record<DeploymentStatus, readonly DeploymentStatus[]>> = {
  starting: ['running', 'restarting', 'stopping', 'failed'],
  running: ['degraded', 'restarting', 'stopping', 'failed'],
  degraded: ['running', 'restarting', 'stopping', 'failed'],
  restarting: ['running', 'stopping', 'failed'],
  stopping: ['stopped'],
  stopped: ['starting'],
  failed: ['starting'],
};

export const mayFollow = (from: DeploymentStatus, to: DeploymentStatus): boolean =>
  followers[from].includes(to);

/** Listed by `/api/servers/running`: a process may exist or is about to. */
export const isLive = (status: DeploymentStatus): boolean => status !== 'stopped' && status !== 'failed';

/** Tools, metrics and tool calls answer. */
export const isServing = (status: DeploymentStatus): boolean => status === 'running' || status === 'degraded';

/** It will serve soon if all goes well, so a call may wait for it. */
export const isComing = (status: DeploymentStatus): boolean =>
  status === 'starting' || status === 'restarting';
