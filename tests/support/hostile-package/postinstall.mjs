// What an install script can do: it leaves its findings in its own folder, the one place that it may write.
import { readFileSync, writeFileSync } from 'node:fs';
import { attackAll } from './attacks.mjs';

const targets = JSON.parse(readFileSync(new URL('targets.json', import.meta.url), 'utf8'));
writeFileSync(new URL('findings.json', import.meta.url), JSON.stringify(await attackAll(targets)));
