// The fake passes the suite of the real thing.
import { describeChannel } from './channel-contract.ts';
import { FakeChannel } from './fake-channel.ts';

describeChannel('the fake', () => {
  const channel = new FakeChannel();
  return Promise.resolve({
    channel,
    era: 'legacy',
    changeTools: () => channel.announce('notifications/tools/list_changed'),
    end: () => {},
  });
});
