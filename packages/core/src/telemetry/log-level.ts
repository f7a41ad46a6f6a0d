// How serious a log line is: what the line itself says of it, however its writer spells that.
import { z } from 'zod';

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export const logLevel = z.enum(logLevels);
export type LogLevel = z.infer<typeof logLevel>;

/** Takes time in proportion to the line, whatever is in it. */
export function levelOf(text: string): LogLevel {
  const head = text.slice(0, headLength).trimStart();
  return jsonLevel(text) ?? syslogLevel(head) ?? labelledLevel(head) ?? wordLevel(head) ?? 'info';
}

/** A level stands near the beginning of a line; what comes later is prose. */
const headLength = 300;
/** Longer ones are not parsed only to find a level. */
const maxJsonLength = 64 * 1024;

const levelWords: ReadonlyMap<string, LogLevel> = new Map(
  Object.entries({
    debug: ['debug', 'dbg', 'debg', 'trace', 'trce', 'verbose', 'silly', 'fine', 'finer', 'finest'],
    info: ['info', 'inf', 'information', 'informational', 'notice', 'success', 'http'],
    warn: ['warn', 'wrn', 'warning'],
    error: [
      ...['error', 'err', 'eror', 'fatal', 'ftl', 'critical', 'crit', 'alert'],
      ...['emerg', 'emergency', 'panic', 'severe', 'dpanic'],
    ],
  } satisfies Record<LogLevel, string[]>).flatMap(([level, words]) =>
    words.map((word) => [word, logLevel.parse(level)] as const),
  ),
);

const levelOfWord = (word: string): LogLevel | null => levelWords.get(word.toLowerCase()) ?? null;

/** The keys of pino, bunyan, winston, zap, logrus, ECS, python-json-logger, Google Cloud, OpenTelemetry, Serilog. */
const jsonKeys = [
  ...['level', 'severity', 'lvl', 'log.level', 'levelname', 'level_name'],
  ...['loglevel', 'logLevel', 'severityText', 'severity_text', '@l', 'levelno'],
];

/** Null for what is no JSON object. */
function jsonLevel(text: string): LogLevel | null {
  if (!text.startsWith('{') || text.length > maxJsonLength || !text.trimEnd().endsWith('}')) return null;
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof line !== 'object' || line === null) return null;
  const fields = new Map(Object.entries(line));
  for (const key of jsonKeys) {
    const level = levelOfValue(fields.get(key));
    if (level) return level;
  }
  const log: unknown = fields.get('log');
  const nested = typeof log === 'object' && log !== null && 'level' in log ? levelOfValue(log.level) : null;
  return nested ?? 'info';
}

function levelOfValue(value: unknown): LogLevel | null {
  if (typeof value === 'number') return levelOfNumber(value);
  if (typeof value !== 'string') return null;
  return /^\d{1,3}$/.test(value) ? levelOfNumber(Number(value)) : levelOfWord(value);
}

/** pino, bunyan and Python count 10 to 60 upwards, syslog 7 to 0 downwards; what lies between is neither. */
function levelOfNumber(value: number): LogLevel | null {
  if (value >= 50 && value <= 60) return 'error';
  if (value >= 40) return value < 50 ? 'warn' : null;
  if (value >= 30) return 'info';
  if (value >= 10) return 'debug';
  return Number.isInteger(value) && value >= 0 && value <= 7 ? levelOfSeverity(value) : null;
}

/** RFC 5424: 0 emergency to 3 error, 4 warning, 5 notice, 6 informational, 7 debug. */
const levelOfSeverity = (severity: number): LogLevel =>
  severity <= 3 ? 'error' : severity === 4 ? 'warn' : severity === 7 ? 'debug' : 'info';

/** `<11>1 2026-…` of syslog, where the severity is the last three bits, and `<3>` of systemd, where it is all. */
function syslogLevel(head: string): LogLevel | null {
  const priority = /^<(\d{1,3})>/.exec(head)?.[1];
  return priority !== undefined && Number(priority) <= 191 ? levelOfSeverity(Number(priority) % 8) : null;
}

/** logfmt and its like: `level=warn`, `lvl="eror"`, `severity: ERROR`. */
function labelledLevel(head: string): LogLevel | null {
  const word = /(?<![\w.-])(?:log\.?level|level|lvl|severity|levelname)["']?[=:] ?["']?([a-z]{3,13})\b/i.exec(
    head,
  )?.[1];
  return word ? levelOfWord(word) : null;
}

const klogLevels: ReadonlyMap<string, LogLevel> = new Map([
  ['I', 'info'],
  ['W', 'warn'],
  ['E', 'error'],
  ['F', 'error'],
]);

const calendar =
  /^(?:mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|am|pm|utc|gmt)[a-z]*$/i;

/** Tokens that may stand before a level: date, time, zone, host, process, thread, logger. */
const maxTokens = 10;

/**
 * A level as a word of its own: `[ERROR]`, `ERROR: …`, `2026-01-15 10:00:00 | WARNING | …`, `info  - …`, and what
 * languages print of errors that nobody caught. Prose has such words too ("0 errors", "enable debug mode"), so the word
 * must be set off by a bracket, a colon or capitals, and at most two words of prose may stand before it.
 */
function wordLevel(head: string): LogLevel | null {
  const klog = /^([IWEF])\d{4} \d\d:\d\d:\d\d/.exec(head)?.[1];
  if (klog) return klogLevels.get(klog) ?? null;
  if (/^(?:Traceback \(most recent call last\)|panic: |fatal error: |thread '[^']*' panicked )/.test(head))
    return 'error';
  const npm = /^npm (ERR!|error|WARN|warn|notice|verb)(?: |$)/.exec(head)?.[1];
  if (npm)
    return npm.toLowerCase().startsWith('err') ? 'error' : npm.toLowerCase() === 'warn' ? 'warn' : 'info';
  let prose = 0;
  for (const [position, token] of head.split(/\s+/, maxTokens).entries()) {
    const level = tokenLevel(token, { first: position === 0, head });
    if (level) return level;
    if (/^[\p{L}']+[,.;]?$/u.test(token) && !calendar.test(token)) prose += 1;
    if (prose > 2) return null;
  }
  return null;
}

function tokenLevel(token: string, { first, head }: { first: boolean; head: string }): LogLevel | null {
  if (/^[\w.$]*(?:Error|Exception):$/.test(token)) return 'error';
  const match = /^([[(<|{*"']*)([A-Za-z]+)(.?)/.exec(token);
  if (!match) return null;
  const [, before = '', word = '', after = ''] = match;
  if (after === ':' && word.endsWith('Warning')) return 'warn';
  const level = levelOfWord(word);
  if (!level) return null;
  const setOff = before !== '' ? /[\])>|}*"']/.test(after) || after === ':' : /[:|\]]/.test(after);
  const shouted = word === word.toUpperCase() && (after === '' || /[-!,]/.test(after));
  const opening =
    first && after === '' && (/^[A-Za-z]+(?: {2,}|\t| [-–|»›] )/.test(head) || /^[EFW]/.test(word));
  return setOff || shouted || opening ? level : null;
}
