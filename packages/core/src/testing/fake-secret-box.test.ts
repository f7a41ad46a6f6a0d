// The fake passes the suite of the real thing.
import { FakeSecretBox } from './fake-secret-box.ts';
import { describeSecretBox } from './secret-box-contract.ts';

describeSecretBox('the fake', (key) => new FakeSecretBox(key));
