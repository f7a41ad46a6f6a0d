// What the name of a variable says: whether it is one of the server at all, and whether its value is a secret.

/** Several words in capitals. Single words and lower case count only where a table or an `env` says what they are. */
export const looksLikeVariable = (name: string): boolean =>
  /^[A-Z][A-Z0-9]{0,40}(?:_{1,2}[A-Z0-9]{1,40}){1,12}$/.test(name);

/** Variables of the host or of the program that starts the server. */
const foreign = new Set(
  (
    'PATH HOME USER SHELL PWD LANG LC_ALL TERM TMPDIR TEMP APPDATA LOCALAPPDATA USERPROFILE PROGRAMFILES SYSTEMROOT WINDIR COMSPEC ' +
    'NODE_ENV NODE_OPTIONS NODE_PATH PYTHONPATH PYTHONUNBUFFERED PYTHONIOENCODING VIRTUAL_ENV PYTHONDONTWRITEBYTECODE CGO_ENABLED ' +
    'GOPATH GOBIN GOOS GOARCH CARGO_HOME JAVA_HOME CI GITHUB_ACTIONS NPM_TOKEN NPM_CONFIG_REGISTRY PYPI_TOKEN UV_PYTHON_PREFERENCE ' +
    'DOCKER_HOST DOCKER_BUILDKIT COMPOSE_PROJECT_NAME CLAUDE_CONFIG_DIR LD_LIBRARY_PATH LD_PRELOAD HOSTNAME PWD EDITOR DISPLAY'
  ).split(' '),
);

/** A name that is a placeholder for one, or belongs to the machine. */
export const isForeignVariable = (name: string): boolean =>
  foreign.has(name.toUpperCase()) ||
  /^(?:YOUR|MY|PASTE|INSERT|ENTER|REPLACE|CHANGE)_|_HERE$|^(?:ENV_VAR|VAR_NAME|VARIABLE_NAME|KEY|VALUE|NAME|API_KEY_HERE)$/i.test(
    name,
  ) ||
  /^(?:TEST|EVAL|BENCH|BENCHMARK|CI|E2E)_/.test(name) ||
  /^(?:npm_config|UV_|LD_|DYLD_)/i.test(name);

const secretWords =
  /(?:^|_)(?:API_?KEYS?|KEYS?|TOKENS?|PAT|SECRETS?|PASSWORDS?|PASSWD|PASSPHRASE|PASS|PWD|CREDENTIALS?|CREDS|DSN|COOKIES?|JWT|BEARER|AUTHORIZATION|WEBHOOK_URL|CONNECTION_?STRING|CONN_?STR|PRIVATE_?KEY|ACCESS_?KEY)(?:_(?:\d{1,3}|JSON|BASE64|B64|VALUE))?$/i;
const joinedSecret = /(?:apikey|token|secret|password|passwd)$/i;
const secretUrl =
  /(?:^|_)(?:DATABASE|DB|MONGO(?:DB)?|POSTGRES(?:QL)?|PG|MYSQL|MARIADB|REDIS|SQL|MSSQL|NEO4J|AMQP|RABBITMQ|CLICKHOUSE|CONNECTION)_?(?:URI|URL)$/i;
const notSecret =
  /(?:_FILE|_PATH|_DIR|_URL_BASE|_ID|_NAME|_LIFETIME|_TTL|_EXPIRY|_EXPIRATION|_LIMIT|_COUNT|_BUDGET|_TYPE|_HEADER|_ENDPOINT)$|^(?:MAX|MIN|NUM|TOTAL|DEFAULT_MAX)_(?:\w{1,40}_)?TOKENS?$|(?:^|_)(?:PUBLIC|ISSUE|PROJECT|PRIMARY|FOREIGN|PARTITION|SORT|CACHE|HOT|SHORTCUT)_KEYS?$|(?:^|_)(?:TOKENS?_(?:URL|URI|LIMIT)|MAX_TOKENS?|USE_TOKEN|ENABLE_TOKEN)/i;

/** By its name: KEY, TOKEN, SECRET, PASSWORD, CREDENTIAL, DSN, a database's address; not a file or a limit. */
export function isSecretName(name: string): boolean {
  const connection = secretUrl.test(name);
  if (!connection && notSecret.test(name)) return false;
  return connection || secretWords.test(name) || joinedSecret.test(name.replace(/[_-]/g, ''));
}

/** A secret, or what one gives together with it: a name, an address, a certificate. */
export const isCredentialName = (name: string): boolean =>
  isSecretName(name) || /(?:USER(?:NAME)?|LOGIN|EMAIL|CLIENT_ID|ACCESS_KEY_ID|CERT|URL|HOST)$/i.test(name);
