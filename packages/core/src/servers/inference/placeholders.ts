// Words that stand for what the reader has to put in: they are no values, and they look like names.

const wholeWord =
  /^(?:x{2,}|\*{2,}|\.{2,}|-{2,}|todo|tbd|changeme|change_me|replace_me|replace[-_ ]?with[-_ ].{0,80}|secret|password|token|value|string|null|none|key|api[-_]?key|\.\.\.|…)$/i;
const opening =
  /^(?:<.{0,200}>|\[[^[\]]{1,200}\]|\{\{?[^{}]{1,200}\}?\}|\$\{[^{}]{1,200}\}|\$[A-Za-z_]\w{0,100}|%[A-Z_]{2,100}%|your[-_ ].{0,200}|my[-_ ].{0,200}|enter[-_ ].{0,100}|paste[-_ ].{0,100}|insert[-_ ].{0,100}|add[-_ ]your.{0,100})$/i;

/** Not a value but a hint to put one in: `<token>`, `YOUR_KEY`, `TOKEN_HERE`, `xoxp-…`, `/path/to/x`, `${VAR}`. */
export function isPlaceholder(raw: string): boolean {
  const value = raw.trim().slice(0, 400);
  if (value === '') return true;
  return (
    wholeWord.test(value) ||
    opening.test(value) ||
    /[-_ ]here[>}\]]?$/i.test(value) ||
    /\byour[-_. ]/i.test(value) ||
    /your(?:own|api|token|key|secret|password|user|db|database|org|project|domain|company|instance|server|host|team|account|email|app|client|access|personal|path|workspace|url|name)/i.test(
      value,
    ) ||
    /(?:\.\.\.|…|x{4,}|\*{3,})/i.test(value) ||
    isMailPlaceholder(value) ||
    isPathPlaceholder(value)
  );
}

/** A mailbox that nobody has. */
const isMailPlaceholder = (value: string): boolean =>
  /^[^\s@/:]{1,80}@(?:[a-z0-9-]{1,60}\.)?(?:example|domain|company|email|yourdomain)\.(?:com|org|net)$/i.test(
    value,
  );

/** A path on somebody else's machine. */
export function isPathPlaceholder(value: string): boolean {
  return (
    /^["']?(?:file:\/\/)?(?:[/~.]{0,3}\/)?(?:absolute\/)?(?:full\/)?(?:your\/)?path\/(?:to|of)\b/i.test(
      value,
    ) ||
    /(?:absolute|full|path|folder|directory|dir|file)[-_ ](?:to|path|of)\b/i.test(value) ||
    /\bpath[/\\-_]to[/\\-_]/i.test(value) ||
    /^(?:[A-Za-z]:[\\/]{1,2}|\/(?:Users|home)\/|~\/)/.test(value) ||
    /^(?:\$\{?(?:PWD|HOME|workspaceFolder|userHome)\}?|%USERPROFILE%|%CD%|\$\(pwd\))/i.test(value)
  );
}

/** An address with somebody's password in it, or a place for one. */
export const isCredentialUrl = (value: string): boolean =>
  /^[a-z][a-z0-9+]{1,30}:\/\/(?:[^\s/@:]{1,200}:[^\s/@]{0,200}@|\.\.\.)/i.test(value) ||
  /^(?:mongodb(?:\+srv)?|postgres(?:ql)?|mysql|mariadb|redis|rediss|amqps?|mssql|sqlserver|clickhouse):\/\//i.test(
    value,
  );

/** An address on a host that nobody has. */
export function isPlaceholderHost(host: string): boolean {
  return (
    /(?:^|\.)(?:example\.(?:com|org|net)|[a-z0-9-]*\.invalid|test)$/i.test(host) ||
    /your|<|>|\{|\}|%7b|placeholder|my-?(?:domain|server|host|company|app|project)/i.test(host) ||
    (!host.includes('.') && !isLocalHost(host))
  );
}

export const isLocalHost = (host: string): boolean =>
  /^(?:localhost|127(?:\.\d{1,3}){3}|0\.0\.0\.0|\[?::1?\]?|host\.docker\.internal|192\.168(?:\.\d{1,3}){2}|10(?:\.\d{1,3}){3})$/i.test(
    host,
  );
