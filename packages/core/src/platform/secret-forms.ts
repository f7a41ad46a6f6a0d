// The forms in which a secret can stand in a text: as it is, encoded, escaped.

/** Shorter values are words like any other: taking them out would leave nothing readable. */
export const minSecretLength = 6;

/** Every text that gives a secret away. */
export function formsOf(secret: string): Set<string> {
  const forms = new Set<string>();
  for (const value of valuesIn(secret)) {
    const wellFormed = value.toWellFormed();
    for (const form of [
      value,
      ...jsonForms(value),
      ...percentForms(wellFormed),
      ...byteForms(Buffer.from(value)),
    ])
      forms.add(form);
  }
  return forms;
}

/**
 * A secret, and what in it is one by itself: its lines, because logs are read line by line, and the password of a URL,
 * because drivers show the parts that they took it apart into.
 */
function valuesIn(secret: string): string[] {
  const values = [secret, secret.trim(), ...secret.split(/[\r\n]+/).map((line) => line.trim())];
  const password = /^[a-z][a-z\d+.-]*:\/\//i.test(secret.trim())
    ? URL.parse(secret.trim())?.password
    : undefined;
  if (password) values.push(password, decoded(password));
  return values.filter((value) => value.length >= minSecretLength);
}

function decoded(component: string): string {
  try {
    return decodeURIComponent(component);
  } catch {
    return component;
  }
}

/** As JSON writers escape it (Python's beyond ASCII, PHP's the slash), and once more for JSON within JSON. */
function jsonForms(value: string): string[] {
  const plain = escaped(value);
  const once = [plain, ...asciiForms(plain)].flatMap((form) => [form, form.replaceAll('/', '\\/')]);
  return [...once, ...once.map(escaped)];
}

const escaped = (text: string): string => JSON.stringify(text).slice(1, -1);

function asciiForms(text: string): string[] {
  const ascii = text.replace(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return [ascii, ascii.replace(/\\u[\da-f]{4}/g, (escape) => `\\u${escape.slice(2).toUpperCase()}`)];
}

/** As in URLs and forms: each of the usual sets of characters that stay, with hex digits of either case. */
function percentForms(value: string): string[] {
  const component = encodeURIComponent(value);
  const strict = component.replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
  const form = new URLSearchParams([['', value]]).toString().slice(1);
  const upper = [component, strict, strict.replaceAll('%2F', '/'), form, encodeURI(value)];
  return [...upper, ...upper.map((text) => text.replace(/%[\dA-F]{2}/g, (escape) => escape.toLowerCase()))];
}

function byteForms(bytes: Buffer): string[] {
  const hex = bytes.toString('hex');
  const base64 = [bytes.toString('base64'), ...[0, 1, 2].map((before) => base64Within(bytes, before))];
  return [
    ...[hex, hex.toUpperCase()],
    ...base64.flatMap((form) => [form, form.replace(/=+$/, '')]).flatMap((form) => [form, urlSafe(form)]),
  ];
}

const urlSafe = (base64: string): string => base64.replaceAll('+', '-').replaceAll('/', '_');

/** The characters that stand for these bytes alone wherever `before` + 3n other bytes precede them in a longer base64. */
function base64Within(bytes: Buffer, before: number): string {
  const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
  const first = Math.ceil((before * 8) / 6);
  const whole = Math.floor(((before + bytes.length) * 8) / 6);
  return encoded.slice(first, whole);
}
