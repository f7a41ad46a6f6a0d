// Ids of what was found: functions of the repository, and always ids.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHash } from 'node:crypto';
import { clashingId as clashing, discoveredId as discovered, type IdSubject } from './discovered-id.ts';
import { serverId } from './server.ts';

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
const discoveredId = (subject: IdSubject): string => discovered(subject, hash);
const clashingId = (subject: IdSubject): string => clashing(subject, hash);

const of = (fullName: string, folder = ''): string => {
  const [owner = '', name = ''] = fullName.split('/');
  return discoveredId({ owner, name, folder });
};

describe('discoveredId', () => {
  it.each([
    ['context7/context7-mcp', '', 'context7-mcp'],
    ['Acme/weather', '', 'acme-weather'],
    ['acme/My_Tool.js', '', 'acme-my_tool.js'],
    ['modelcontextprotocol/servers', 'src/fetch', 'modelcontextprotocol-servers-src-fetch'],
    ['a/-x-', '', 'a--x'],
    ['a/b..c', '', 'a-b.c'],
  ])('of %s %s is %s', (fullName, folder, id) => {
    expect(of(fullName, folder)).toBe(id);
  });

  it('is never a reserved word', () => {
    expect(of('running/running')).toMatch(/^running-[0-9a-f]{6}$/);
  });

  it('is an id, whatever a repository is called, and always the same', () => {
    const part = fc.string({
      unit: fc.constantFrom('a', 'b', 'X', '0', '9', '.', '_', '-', '/', 'ü', ' '),
      minLength: 1,
      maxLength: 120,
    });
    fc.assert(
      fc.property(part, part, part, (owner, name, folder) => {
        for (const make of [discoveredId, clashingId]) {
          const id = make({ owner, name, folder });
          expect(serverId.safeParse(id).success, id).toBe(true);
          expect(make({ owner, name, folder })).toBe(id);
        }
      }),
    );
  });

  it('tells repositories apart where their ids would be the same', () => {
    const one = clashingId({ owner: 'a-b', name: 'c', folder: '' });
    const other = clashingId({ owner: 'a', name: 'b-c', folder: '' });
    expect(one).toMatch(/^a-b-c-[0-9a-f]{6}$/);
    expect(other).not.toBe(one);
  });
});
