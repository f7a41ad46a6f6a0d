// The package as an ES module.
import * as sdk from '@insightloop/client';
import { webSocketStreams } from '@insightloop/client/websocket';
import { tell } from './story.cjs';

await tell(sdk, process.argv[2] ?? '');
await tell(sdk, process.argv[2] ?? '', webSocketStreams);
console.log('told as an ES module');
