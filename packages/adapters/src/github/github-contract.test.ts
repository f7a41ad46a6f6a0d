// The adapter does what every CodeHost must, against a stand-in for GitHub.
import { describeCodeHost } from '@insightloop/core/testing';
import { openGitHubSite } from './testing/github-site.ts';

describeCodeHost('createGitHub', async () => {
  const { github, host, close } = await openGitHubSite('a-token');
  return {
    host,
    add: (draft) => github.add(draft),
    rename: (from, to) => github.repositories.rename(from, to),
    failWith: (failure) => {
      if (failure === 'refused') github.token = 'another-token';
      else if (failure === 'limited') github.breakWith('all', { kind: 'primary-limit', resetInSeconds: 600 });
      else github.breakWith('all', { kind: 'status', status: 503 });
    },
    end: close,
  };
});
