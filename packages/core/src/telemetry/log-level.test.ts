// What a log line says of its level.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { levelOf, logLevels, type LogLevel } from './log-level.ts';
import { plainText } from './log-line.ts';

const lines: Record<LogLevel, string[]> = {
  debug: [
    '{"level":20,"time":1736935200000,"pid":1,"msg":"pino"}',
    '{"level":10,"msg":"pino trace"}',
    '{"message":"winston","level":"silly"}',
    '[DEBUG] something',
    'DEBUG:root:python logging',
    '2025-01-15 10:00:00.000 | DEBUG    | module:function:1 - loguru',
    'time=2025-01-15T10:00:00Z level=DEBUG msg=slog',
    '{"level": 7, "short_message": "gelf"}',
    'debug: cli',
    '<15>1 2025-01-15T10:00:00Z host app - - - syslog',
    '2025-01-15T10:00:00.000Z TRACE crate::module: rust tracing',
  ],
  info: [
    '',
    'Server started on port 3000',
    'The error was mended',
    'Found 0 errors and 0 warnings',
    'Set LOG_LEVEL=error to see less',
    'Debugger listening on ws://127.0.0.1:9229',
    'Listening. Enable debug mode with DEBUG=*',
    'error-handler registered',
    'errors: 0',
    'handles warnings and errors',
    'Connected to the server at the address with ERROR in its name',
    '{"level":30,"msg":"error in the text"}',
    '{"severity":"NOTICE","message":"gcp"}',
    '{"level":"info","error":"ECONNRESET"}',
    'INFO:     Started server process [1]',
    '[01/15/25 10:00:00] INFO     Starting server          server.py:1',
    'I0115 10:00:00.000000       1 main.go:1] klog',
    'level=info msg="an error occurred earlier"',
    '<14>Jan 15 10:00:00 host app: syslog',
    'npm notice New major version of npm available!',
    '{"not json',
    '{}',
    '[]',
    'null',
    '{"level":null}',
    '{"level":{"level":"error"}}',
    '{"level":99}',
    '{"message":"ERROR: not the level of this line"}',
    '<999> not syslog',
    'info  - ready on http://localhost:3000',
  ],
  warn: [
    '{"level":40,"msg":"pino"}',
    '{"levelname":"WARNING","message":"python"}',
    '[WARN] something',
    'WARN something',
    'WARNING:root:python logging',
    'warning: something',
    'Warning: something is deprecated',
    'level=warn msg=logfmt',
    'ts=1 lvl=warn msg=log15',
    'W0115 10:00:00.000000       1 main.go:1] klog',
    '(node:12345) [DEP0040] DeprecationWarning: The `punycode` module is deprecated.',
    '(node:12345) Warning: Setting the NODE_TLS_REJECT_UNAUTHORIZED',
    '/usr/lib/python3/site.py:12: UserWarning: something',
    'npm warn deprecated inflight@1.0.6',
    '2025-01-15T10:00:00.000Z  WARN crate::module: rust tracing',
    '<12>Jan 15 10:00:00 host app: syslog',
    'warn  - something',
  ],
  error: [
    '{"level":50,"time":1,"msg":"pino"}',
    '{"level":60,"msg":"pino fatal"}',
    '{"level":"error","message":"winston"}',
    '{"message":"winston, level last","level":"ERROR"}',
    '{"name":"app","hostname":"h","pid":1,"level":50,"msg":"bunyan","time":"2025","v":0}',
    '{"log.level":"error","message":"ecs"}',
    '{"log":{"level":"error"},"message":"ecs nested"}',
    '{"level":"50"}',
    '{"@l":"Fatal","@m":"serilog"}',
    '[ERROR] something',
    '[error] something',
    'ERROR: something',
    'Error: something',
    'error: something',
    'Error connecting to the database',
    'FATAL something',
    'CRITICAL:root:python logging',
    'ERROR:root:python logging',
    '2025-01-15 10:00:00,123 - my.module - ERROR - python logging',
    '2025-01-15 10:00:00,123 - mymodule - ERROR - python logging',
    '10:00:00.123 [main] ERROR com.example.App - logback',
    '2025-01-15 10:00:00.000 | ERROR    | module:function:1 - loguru',
    '[2025-01-15 10:00:00] ERROR in app: flask',
    '[2025-01-15T10:00:00.000Z] [ERROR] server - log4js',
    'Jan 15 10:00:00 host app[12]: ERROR something',
    'Wed Jan 15 10:00:00 UTC 2025 ERROR something',
    'time="2025-01-15T10:00:00Z" level=fatal msg=logrus',
    'severity: ERROR something',
    'E0115 10:00:00.000000       1 main.go:1] klog',
    '<11>1 2025-01-15T10:00:00Z host app - - - syslog',
    '<3>systemd',
    'TypeError: Cannot read properties of undefined',
    'Uncaught ReferenceError: x is not defined',
    'Unhandled rejection Error: boom',
    'ValueError: invalid literal',
    'java.lang.NullPointerException: null',
    'Traceback (most recent call last):',
    'panic: runtime error: index out of range',
    "thread 'main' panicked at src/main.rs:1:5:",
    'npm ERR! code E404',
    'npm error code E404',
  ],
};

describe('levelOf', () => {
  for (const level of logLevels) {
    it.each(lines[level])(`${level}: %s`, (line) => {
      expect(levelOf(line)).toBe(level);
    });
  }

  it('answers any text, in time that grows no faster than the line', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => logLevels.includes(levelOf(text))));
    const hostile = [
      '['.repeat(1_000_000),
      '{'.repeat(1_000_000) + '}',
      '{"a":'.repeat(12_000) + '}',
      ' '.repeat(1_000_000),
      `{${' '.repeat(1_000_000)}`,
      'level='.repeat(200_000),
      '\u001b['.repeat(500_000),
      '\u001b]'.repeat(500_000),
      `\u001b]${'\u001bx'.repeat(500_000)}`,
      `\u001b[${'0'.repeat(1_000_000)}`,
      `\u001b${' '.repeat(1_000_000)}`,
      'E'.repeat(1_000_000),
    ];
    const startedAt = performance.now();
    for (const line of hostile) expect(logLevels).toContain(levelOf(plainText(line)));
    // A generous guard: what is quadratic takes minutes here.
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });
});
