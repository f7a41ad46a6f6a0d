// The log archive in files.
export { openLogFiles, type LogFiles, type LogFilesOptions } from './log-files.ts';
