// The fake of CodeHost does what every CodeHost must.
import { describeCodeHost } from './code-host-contract.ts';
import { FakeCodeHost } from './fake-code-host.ts';

describeCodeHost('FakeCodeHost', async () => {
  const host = new FakeCodeHost();
  return {
    host,
    add: (draft) => host.add(draft),
    rename: (from, to) => host.rename(from, to),
    failWith: (failure) => host.failWith(failure, failure === 'limited' ? 30 : null),
    end: () => undefined,
  };
});
