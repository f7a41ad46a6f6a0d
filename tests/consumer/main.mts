// The package as an ES module.
import * as sdk from '@insightloop/client';
import { tell } from './story.cjs';

await tell(sdk, process.argv[2] ?? '');
console.log('told as an ES module');
