// The package by `require`.
import sdk = require('@insightloop/client');
import { tell } from './story.cjs';

void tell(sdk, process.argv[2] ?? '').then(() => console.log('told with require'));
