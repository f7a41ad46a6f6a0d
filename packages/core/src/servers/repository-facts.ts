// What the code host says of a repository, beside what is stored of it: the same one, the same push, the same facts.
import type { CodeRepository } from './code-host.ts';
import type { Found } from './discovery-store.ts';
import type { Finding } from './finding.ts';
import { repositoryFields } from './repository-reading.ts';
import { keyOfFullName } from './repository-key.ts';
import { madeStorable } from './storable-text.ts';

export const identityOf = ({ owner, name, full_name }: CodeRepository) => ({
  owner,
  name,
  key: keyOfFullName(full_name),
});

export const samePush = ({ finding }: Found, repository: CodeRepository): boolean =>
  finding.pushed_at?.getTime() === repository.pushed_at?.getTime();

/** By the host's number where we know it: the name alone may have gone to somebody else. */
export const isOf = (finding: Finding, repository: CodeRepository): boolean =>
  finding.host_id === null
    ? finding.repository_key === keyOfFullName(repository.full_name)
    : finding.host_id === repository.host_id;

export const hasSameFacts = ({ server, finding }: Found, repository: CodeRepository): boolean =>
  finding.stars === repository.stars &&
  finding.repository_key === keyOfFullName(repository.full_name) &&
  finding.archived === repository.archived &&
  finding.language === repository.language &&
  server.description === (repository.description ?? server.description) &&
  finding.topics.join() === repository.topics.slice(0, 100).join();

/** The same servers with what the host says of their repository now. */
export const withFacts = ({ server, finding }: Found, repository: CodeRepository, now: Date): Found => ({
  server:
    finding.folder === '' && repository.description !== null
      ? { ...server, description: madeStorable(repository.description).slice(0, 10_000), updated_at: now }
      : server,
  finding: { ...finding, ...repositoryFields(repository, finding.folder), seen_at: now },
});
