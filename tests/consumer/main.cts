// The package by `require`.
import sdk = require('@insightloop/client');
import overSockets = require('@insightloop/client/websocket');
import { tell } from './story.cjs';

const baseUrl = process.argv[2] ?? '';
void tell(sdk, baseUrl)
  .then(() => tell(sdk, baseUrl, overSockets.webSocketStreams))
  .then(() => console.log('told with require'));
