// The repositories of the stand-in for GitHub: made up by tests, or read from folders of `<owner>__<name>/`.
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  hostedRepository,
  type HostedRepository,
  type RepositoryDraft,
} from '../../../packages/core/src/testing/hosted-repository.ts';

/** meta.json of such a folder, as far as it is there; the other files are the repository's own. */
interface FolderMeta {
  full_name?: string;
  default_branch?: string;
  html_url?: string;
  language?: string | null;
  commit_date?: string;
  description?: string | null;
  homepage?: string | null;
  stars?: number;
  topics?: string[];
  archived?: boolean;
  fork?: boolean;
}

/** They describe the folder and are no files of the repository. */
const notOfTheRepository = new Set(['meta.json', 'truth.json']);

export class Repositories {
  readonly #byName = new Map<string, HostedRepository>();
  readonly #moved = new Map<string, string>();

  get all(): HostedRepository[] {
    return [...this.#byName.values()];
  }

  add(draft: RepositoryDraft): void {
    this.#byName.set(draft.full_name.toLowerCase(), hostedRepository(draft));
  }

  remove(fullName: string): void {
    this.#byName.delete(fullName.toLowerCase());
  }

  /** Under the old name it answers 301, as long as nothing else has taken that name. */
  rename(from: string, to: string): void {
    const known = this.find(from);
    if (known === undefined) throw new Error(`There is no ${from}.`);
    this.remove(from);
    const { owner, name, html_url, ...kept } = known.facts;
    this.add({ ...kept, full_name: to, files: Object.fromEntries(known.files) });
    this.#moved.set(from.toLowerCase(), to.toLowerCase());
  }

  /** A push: the files change, and with them the time. */
  push(fullName: string, files: Readonly<Record<string, string>>, pushedAt: Date): void {
    const known = this.find(fullName);
    if (known === undefined) throw new Error(`There is no ${fullName}.`);
    this.add({
      ...known.facts,
      pushed_at: pushedAt,
      files: { ...Object.fromEntries(known.files), ...files },
    });
  }

  find(fullName: string): HostedRepository | undefined {
    return this.#byName.get(fullName.toLowerCase());
  }

  byNumber(hostId: number): HostedRepository | undefined {
    return this.all.find(({ facts }) => facts.host_id === hostId);
  }

  /** What was renamed, found under its old name. */
  movedFrom(fullName: string): HostedRepository | undefined {
    const to = this.#moved.get(fullName.toLowerCase());
    return to === undefined ? undefined : (this.#byName.get(to) ?? this.movedFrom(to));
  }

  /**
   * Adds every folder named `<owner>__<name>` that has a meta.json. What was not recorded of a repository (stars,
   * topics) is made up, so that each is found by the topic `mcp-server` and in an order that stays.
   */
  async addFolder(folder: string): Promise<number> {
    const names = (await readdir(folder)).filter((name) => name.includes('__')).toSorted();
    await Promise.all(names.map((name, index) => this.#addOne(join(folder, name), names.length - index)));
    return names.length;
  }

  async #addOne(folder: string, stars: number): Promise<void> {
    const meta = JSON.parse(await readFile(join(folder, 'meta.json'), 'utf8')) as FolderMeta;
    const { full_name, commit_date } = meta;
    if (full_name === undefined) throw new Error(`${folder}/meta.json has no full_name.`);
    this.add({
      full_name,
      html_url: meta.html_url ?? `https://github.com/${full_name}`,
      description: meta.description ?? null,
      homepage: meta.homepage ?? null,
      default_branch: meta.default_branch ?? 'main',
      language: meta.language ?? null,
      stars: meta.stars ?? stars,
      topics: meta.topics ?? ['mcp-server'],
      archived: meta.archived ?? false,
      fork: meta.fork ?? false,
      pushed_at: commit_date === undefined ? null : new Date(commit_date),
      files: await filesIn(folder),
    });
  }
}

async function filesIn(folder: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const path of await readdir(folder, { recursive: true })) {
    if (notOfTheRepository.has(path) || !(await stat(join(folder, path))).isFile()) continue;
    files[path] = await readFile(join(folder, path), 'utf8');
  }
  return files;
}

/** The name that git gives to a file's content. */
export const blobSha = (text: string): string => {
  const content = Buffer.from(text);
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
};
