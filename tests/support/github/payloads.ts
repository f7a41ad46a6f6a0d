// What GitHub answers, field by field, for the repositories of the stand-in.
import type { CodeRepository } from '@insightloop/core';
import type { HostedRepository } from '../../../packages/core/src/testing/hosted-repository.ts';
import { blobSha } from './repositories.ts';

export type Payload = Record<string, unknown>;

/** Of all repositories of the stand-in: it keeps no commits. */
const treeSha = '9fb037999f264ba9a7fc6274d15fa3ae2ab98312';

const ownerPayload = ({ owner }: CodeRepository, api: string): Payload => {
  const url = `${api}/users/${owner}`;
  return {
    login: owner,
    id: 1000,
    node_id: 'MDA6RW50aXR5MQ==',
    avatar_url: 'https://avatars.githubusercontent.com/u/1000?v=4',
    gravatar_id: '',
    url,
    html_url: `https://github.com/${owner}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type: 'Organization',
    user_view_type: 'public',
    site_admin: false,
  };
};

/** The last part of each address by its field, where it is not the field's name without `_url`. */
const addresses: Record<string, string> = {
  forks_url: 'forks',
  keys_url: 'keys{/key_id}',
  collaborators_url: 'collaborators{/collaborator}',
  teams_url: 'teams',
  hooks_url: 'hooks',
  issue_events_url: 'issues/events{/number}',
  events_url: 'events',
  assignees_url: 'assignees{/user}',
  branches_url: 'branches{/branch}',
  tags_url: 'tags',
  blobs_url: 'git/blobs{/sha}',
  git_tags_url: 'git/tags{/sha}',
  git_refs_url: 'git/refs{/sha}',
  trees_url: 'git/trees{/sha}',
  statuses_url: 'statuses/{sha}',
  languages_url: 'languages',
  stargazers_url: 'stargazers',
  contributors_url: 'contributors',
  subscribers_url: 'subscribers',
  subscription_url: 'subscription',
  commits_url: 'commits{/sha}',
  git_commits_url: 'git/commits{/sha}',
  comments_url: 'comments{/number}',
  issue_comment_url: 'issues/comments{/number}',
  contents_url: 'contents/{+path}',
  compare_url: 'compare/{base}...{head}',
  merges_url: 'merges',
  archive_url: '{archive_format}{/ref}',
  downloads_url: 'downloads',
  issues_url: 'issues{/number}',
  pulls_url: 'pulls{/number}',
  milestones_url: 'milestones{/number}',
  notifications_url: 'notifications{?since,all,participating}',
  labels_url: 'labels{/name}',
  releases_url: 'releases{/id}',
  deployments_url: 'deployments',
};

function repositoryPayload(facts: CodeRepository, api: string): Payload {
  const { full_name, stars, pushed_at } = facts;
  const url = `${api}/repos/${full_name}`;
  const time = pushed_at?.toISOString().replace('.000Z', 'Z') ?? null;
  return {
    id: facts.host_id,
    node_id: 'MDA6RW50aXR5MQ==',
    name: facts.name,
    full_name,
    private: false,
    owner: ownerPayload(facts, api),
    html_url: facts.html_url,
    description: facts.description,
    fork: facts.fork,
    url,
    ...Object.fromEntries(Object.entries(addresses).map(([field, path]) => [field, `${url}/${path}`])),
    created_at: time ?? '2025-01-01T00:00:00Z',
    updated_at: time ?? '2025-01-01T00:00:00Z',
    pushed_at: time,
    git_url: `git://github.com/${full_name}.git`,
    ssh_url: `git@github.com:${full_name}.git`,
    clone_url: `https://github.com/${full_name}.git`,
    svn_url: `https://github.com/${full_name}`,
    homepage: facts.homepage,
    size: 100,
    stargazers_count: stars,
    watchers_count: stars,
    language: facts.language,
    has_issues: true,
    has_projects: true,
    has_downloads: true,
    has_wiki: true,
    has_pages: false,
    has_discussions: false,
    forks_count: 0,
    mirror_url: null,
    archived: facts.archived,
    disabled: false,
    open_issues_count: 0,
    license: { key: 'mit', name: 'MIT License', spdx_id: 'MIT', url: `${api}/licenses/mit`, node_id: 'MDA6' },
    allow_forking: true,
    is_template: false,
    web_commit_signoff_required: false,
    topics: facts.topics,
    visibility: 'public',
    forks: 0,
    open_issues: 0,
    watchers: stars,
    default_branch: facts.default_branch,
  };
}

/** Of a single repository GitHub tells more than of one among others. */
export const fullRepositoryPayload = (facts: CodeRepository, api: string): Payload => ({
  ...repositoryPayload(facts, api),
  temp_clone_token: null,
  organization: ownerPayload(facts, api),
  network_count: 0,
  subscribers_count: 0,
});

export const searchPayload = (
  page: { found: readonly CodeRepository[]; total: number; incomplete: boolean },
  api: string,
): Payload => ({
  total_count: page.total,
  incomplete_results: page.incomplete,
  items: page.found.map((facts) => ({ ...repositoryPayload(facts, api), score: 1 })),
});

interface Places {
  api: string;
  raw: string;
}

/** An entry of a listing. */
function entryPayload({ facts, files }: HostedRepository, path: string, { api, raw }: Places): Payload {
  const { full_name, default_branch } = facts;
  const text = files.get(path);
  const sha = text === undefined ? treeSha : blobSha(text);
  const self = `${api}/repos/${full_name}/contents/${path}?ref=${default_branch}`;
  const git = `${api}/repos/${full_name}/git/${text === undefined ? 'trees' : 'blobs'}/${sha}`;
  const html = `${facts.html_url}/${text === undefined ? 'tree' : 'blob'}/${default_branch}/${path}`;
  return {
    name: path.slice(path.lastIndexOf('/') + 1),
    path,
    sha,
    size: text === undefined ? 0 : Buffer.byteLength(text),
    url: self,
    html_url: html,
    git_url: git,
    download_url: text === undefined ? null : `${raw}/${full_name}/${default_branch}/${path}`,
    type: text === undefined ? 'dir' : 'file',
    _links: { self, git, html },
  };
}

/** One file with its content, which GitHub breaks into lines of 60 characters. */
export function filePayload(repository: HostedRepository, path: string, places: Places): Payload {
  const base64 = Buffer.from(repository.files.get(path) ?? '').toString('base64');
  const content = base64.replace(/.{60}/g, '$&\n') + '\n';
  const { _links, ...entry } = entryPayload(repository, path, places);
  return { ...entry, content, encoding: 'base64', _links };
}

/** The folders and files right below a folder; the root is ''. */
export function listingPayload(repository: HostedRepository, folder: string, places: Places): Payload[] {
  const prefix = folder === '' ? '' : `${folder}/`;
  const names = [...repository.files.keys()]
    .filter((path) => path.startsWith(prefix))
    .map((path) => prefix + (path.slice(prefix.length).split('/')[0] ?? ''));
  return [...new Set(names)].toSorted().map((path) => entryPayload(repository, path, places));
}

export function treePayload({ facts, files }: HostedRepository, api: string, truncated: boolean): Payload {
  const url = `${api}/repos/${facts.full_name}/git`;
  const paths = [...files.keys()].toSorted();
  const folders = new Set(
    paths.flatMap((path) => [...path.matchAll(/\//g)].map(({ index }) => path.slice(0, index))),
  );
  const trees = [...folders].map((path) => ({
    path,
    mode: '040000',
    type: 'tree',
    sha: treeSha,
    url: `${url}/trees/${treeSha}`,
  }));
  const blobs = paths.map((path) => {
    const text = files.get(path) ?? '';
    const sha = blobSha(text);
    return {
      path,
      mode: '100644',
      type: 'blob',
      sha,
      size: Buffer.byteLength(text),
      url: `${url}/blobs/${sha}`,
    };
  });
  const entries = [...trees, ...blobs].toSorted((a, b) => (a.path < b.path ? -1 : 1));
  return {
    sha: treeSha,
    url: `${url}/trees/${treeSha}`,
    tree: truncated ? entries.slice(0, Math.ceil(entries.length / 2)) : entries,
    truncated,
  };
}
