// GitHub as the host of repositories.
export { createGitHub, type GitHubOptions } from './github.ts';
