// The id of a server that was found: a pure function of its repository, so that nobody can take another's.
import { serverId } from './server.ts';

const longest = 100;

/** Port: the SHA-256 of a text in hexadecimal digits. */
export type Hash = (text: string) => string;

export interface IdSubject {
  owner: string;
  name: string;
  /** Of a monorepo's sub-server; empty for the repository itself. */
  folder: string;
}

/**
 * The name if it contains the owner's name, else `owner-name`; a sub-server appends its folder. In lower case, what an id
 * cannot hold becomes "-".
 */
export function discoveredId({ owner, name, folder }: IdSubject, hash: Hash): string {
  const base = name.toLowerCase().includes(owner.toLowerCase()) ? name : `${owner}-${name}`;
  const id = idText(folder === '' ? base : `${base}-${folder}`);
  return id.length <= longest && serverId.safeParse(id).success
    ? id
    : clashingId({ owner, name, folder }, hash);
}

/** For a repository whose id belongs to something else already: six hex digits of its full name's hash tell it apart. */
export function clashingId(subject: IdSubject, hash: Hash): string {
  const { owner, name, folder } = subject;
  const fullName = [owner, name, folder].filter((part) => part !== '').join('/');
  const mark = hash(fullName.toLowerCase()).slice(0, 6);
  const base = name.toLowerCase().includes(owner.toLowerCase()) ? name : `${owner}-${name}`;
  const text = idText(folder === '' ? base : `${base}-${folder}`);
  const cut = text.slice(0, longest - mark.length - 1).replace(/[^a-z0-9]+$/, '');
  return cut === '' ? `server-${mark}` : `${cut}-${mark}`;
}

const idText = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/\.{2,}/g, '.')
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '');
