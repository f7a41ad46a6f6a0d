// Redis: the event log that several processes share.
export { openRedisEventLog, type RedisEventLog, type RedisEventLogOptions } from './event-log.ts';
