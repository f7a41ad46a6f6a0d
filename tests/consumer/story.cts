// What a user of the package does with it, told the same for both module formats.
import assert = require('node:assert/strict');
import type * as Sdk from '@insightloop/client';

type Package = Pick<typeof Sdk, 'createInsightLoopClient' | 'InsightLoopError'>;

export async function tell(
  { createInsightLoopClient, InsightLoopError }: Package,
  baseUrl: string,
  streams?: Sdk.StreamTransport,
): Promise<void> {
  const client = createInsightLoopClient({ baseUrl, streams });
  const server_id = 'foreign-consumer';
  const registrations = client.events.subscribe({ channels: ['servers'] });
  await registrations.open();

  await client.servers.register({
    id: server_id,
    name: 'Foreign consumer',
    launch: [{ method: 'npx', identifier: 'some-package' }],
  });
  const { server } = await client.servers.get({ server_id });
  assert.ok(server.created_at instanceof Date);
  assert.equal(server.launch[0]?.command, 'npx');
  const { servers, total } = await client.servers.list({ limit: 100 });
  assert.ok(total >= 1 && servers.some(({ id }) => id === server_id));
  const { removed_at } = await client.servers.remove({ server_id });
  assert.ok(removed_at instanceof Date);

  await assert.rejects(client.servers.get({ server_id }), (error) => {
    assert.ok(error instanceof InsightLoopError && error instanceof Error);
    assert.equal(error.code, 'SERVER_NOT_FOUND');
    assert.equal(error.status, 404);
    assert.match(error.requestId ?? '', /^req-/);
    assert.deepEqual(error.details, { server_id });
    return true;
  });

  let lastEventId: string | null = null;
  for await (const { id, data } of registrations) {
    assert.ok(data.type === 'server_registered' && data.server_id === server_id);
    assert.ok(data.timestamp instanceof Date);
    lastEventId = id;
    break;
  }
  const stopping = new AbortController();
  const rest: string[] = [];
  const resumed = client.events.subscribe(
    { channels: ['servers'], lastEventId },
    { signal: stopping.signal },
  );
  for await (const { data } of resumed) {
    rest.push(data.type);
    stopping.abort();
  }
  assert.deepEqual(rest, ['server_removed']);
}
