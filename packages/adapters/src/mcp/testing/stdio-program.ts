// Program: the SDK's server over stdio; with `modern` as its argument, in the modern era only.
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { sdkServer } from './sdk-server.ts';

serveStdio(sdkServer, { legacy: process.argv[2] === 'modern' ? 'reject' : 'serve' });
