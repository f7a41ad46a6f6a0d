// Reading from web services, bounded in time and size.
export { createHttpReader, type HttpReaderOptions } from './http-reader.ts';
