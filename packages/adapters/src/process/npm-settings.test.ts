// Which of the operator's npm settings reach a box, in which form, and what of them is secret.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { npmrcText, openProxies, readNpmSettings, type Variables } from './npm-settings.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'npm-settings-'));
  await writeFile(join(folder, 'ca.pem'), 'CERTIFICATE');
});
afterAll(() => rm(folder, { recursive: true }));

const textOf = async (files: string[], environment: Variables, withSecrets = true): Promise<string> =>
  npmrcText(await readNpmSettings({ files, environment }), { withSecrets, pathOf: (key) => `/box/${key}` });

describe('readNpmSettings', () => {
  it('takes what fetching needs and leaves the rest of the machine where it is', async () => {
    const file = `
      ; a comment
      # another
      registry = https://mirror.example/npm/ ; said at the end
      @corp:registry=https://corp.example/
      //corp.example/:_authToken = "tok en;1"
      prefix=/home/operator
      cache=/home/operator/.npm
      git=/tmp/evil
      script-shell=/tmp/evil
      node-options=--require=/tmp/evil
      ignore-scripts=false
      strict-ssl
      [section]
      registry=https://elsewhere.example/
    `;
    expect(await textOf([file], {})).toBe(
      [
        '"registry"="https://mirror.example/npm/"',
        '"@corp:registry"="https://corp.example/"',
        '"//corp.example/:_authToken"="tok en;1"',
        '"strict-ssl"="true"',
        '',
      ].join('\n'),
    );
  });

  it('fills in variables of the operator, as npm would', async () => {
    const file = '//r/:_authToken=${NPM_TOKEN}\n//s/:_authToken=${NOT_SET}\nregistry=https://h/${OPTIONAL?}';
    expect(await textOf([file], { NPM_TOKEN: 'secret-of-mine' })).toBe(
      '"//r/:_authToken"="secret-of-mine"\n"//s/:_authToken"="${NOT_SET}"\n"registry"="https://h/"\n',
    );
  });

  it('lets a later source win over an earlier one, and the environment over all', async () => {
    const text = await textOf(['registry=https://1/', 'registry=https://2/'], {
      NPM_CONFIG_REGISTRY: 'https://3/',
      npm_config_fetch_retries: '5',
      'npm_config_//h/:_authToken': 'Token1',
      npm_config_cache: '/x',
    });
    expect(text.split('\n').filter(Boolean)).toEqual([
      '"registry"="https://1/"',
      '"registry"="https://2/"',
      '"registry"="https://3/"',
      '"fetch-retries"="5"',
      '"//h/:_authToken"="Token1"',
    ]);
  });

  it('copies the files that are named, and leaves out one that is not there', async () => {
    const files = [`cafile=${folder}/ca.pem\n//h/:keyfile=${folder}/none.pem`];
    const settings = await readNpmSettings({ files, environment: {} });
    expect([...settings.files]).toEqual([['cafile', 'CERTIFICATE']]);
    expect(npmrcText(settings, { withSecrets: true, pathOf: (key) => `/box/${key}` })).toBe(
      '"cafile"="/box/cafile"\n',
    );
  });

  it('gives code of packages no secret at all', async () => {
    const file = 'registry=https://me:pass@h/\n//h/:_auth=bWU6cGFzcw==\n//h/:username=me\nca[]="A"\nca[]="B"';
    expect(await textOf([file], { HTTPS_PROXY: 'http://u:p@proxy:1' }, false)).toBe(
      '"registry"="https://h/"\n"ca[]"="A"\n"ca[]"="B"\n',
    );
    expect(openProxies({ HTTPS_PROXY: 'http://u:p@proxy:1', http_proxy: 'http://proxy:1' })).toEqual({
      http_proxy: 'http://proxy:1',
    });
  });

  it('knows what must never be shown', async () => {
    const file = '//h/:_authToken=npm_abc\n//h/:_password=c2VjcmV0\nregistry=https://me:p%40ss@h/';
    const { secrets } = await readNpmSettings({ files: [file], environment: {} });
    expect(secrets).toEqual(expect.arrayContaining(['npm_abc', 'c2VjcmV0', 'secret', 'me:p%40ss', 'p@ss']));
  });

  it('takes proxies out of the environment, weaker than any setting', async () => {
    expect(await textOf(['proxy=http://mine:1'], { HTTP_PROXY: 'http://env:1', no_proxy: 'local' })).toBe(
      '"https-proxy"="http://env:1"\n"proxy"="http://env:1"\n"noproxy"="local"\n"proxy"="http://mine:1"\n',
    );
  });
});
