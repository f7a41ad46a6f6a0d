// Port: new identifiers that sort by the time at which they were made.

export type IdPrefix = 'deploy' | 'task' | 'req';

export interface Ids {
  /** A new id such as `deploy-01jd…`: unique, lower case, sorting by time. */
  next(prefix: IdPrefix): string;
}
