// What is done in Redis in one step: scripts, their keys, their arguments.
import type { Channel } from '@insightloop/core';
import { channels } from '@insightloop/core';

/** One slot for all, so that a cluster keeps them on one node. */
export const keysFor = (prefix: string) => ({
  sequence: `{${prefix}}:sequence`,
  writer: (id: string) => `{${prefix}}:writer:${id}`,
  stream: (channel: Channel) => `{${prefix}}:${channel}`,
  streams: channels.map((channel) => `{${prefix}}:${channel}`),
  watched: channels.map((channel) => `{${prefix}}:watched:${channel}`),
});
export type EventKeys = ReturnType<typeof keysFor>;

/**
 * Appends a batch, once: a writer that did not hear the answer asks again under the same number and gets the same one.
 *
 * An entry's id is `<epoch>-<number>`. Numbers count by one within an epoch; the entry numbered 0 begins it and is no
 * event. An epoch begins where there is no stream, and where the stream ends before something that was already told:
 * then Redis came back with an older state, and the same numbers must not mean other events.
 *
 * KEYS the counter over all channels, this writer's last batch, the streams.
 * ARGV the time in ms, how long a stream may lie untouched in ms, events per channel, the batch, then for each stream the
 *      newest id that the writer knows and the oldest that is worth keeping (or ''), then channel index and text of each.
 * Returns the number of each event.
 */
export const appendScript = `
local now, ttl, capacity, batch = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4]
local done = redis.call('HGET', KEYS[2], 'batch')
if done == batch and batch ~= '0' then return cjson.decode(redis.call('HGET', KEYS[2], 'numbers')) end

local function parts(id)
  local epoch, number = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(epoch), tonumber(number)
end

local epochs = {}
for index = 3, #KEYS do
  local place = 5 + (index - 3) * 2
  local knownEpoch, knownNumber = parts(ARGV[place])
  local newest = redis.call('XREVRANGE', KEYS[index], '+', '-', 'COUNT', 1)[1]
  local epoch, number = 0, 0
  if newest then epoch, number = parts(newest[1]) end
  if not newest or epoch < knownEpoch or (epoch == knownEpoch and number < knownNumber) then
    epoch = math.max(now, epoch + 1, knownEpoch + 1)
    redis.call('XADD', KEYS[index], string.format('%.0f-0', epoch), 'origin', '1')
  end
  epochs[index] = string.format('%.0f', epoch)
end

local numbers = {}
local first = 5 + (#KEYS - 2) * 2
for place = first, #ARGV, 2 do
  local index = tonumber(ARGV[place]) + 3
  local sequence = redis.call('INCR', KEYS[1])
  local id = redis.call('XADD', KEYS[index], 'MAXLEN', capacity, epochs[index] .. '-*',
    'event', ARGV[place + 1], 'sequence', sequence)
  local _, number = parts(id)
  numbers[#numbers + 1] = number
end

for index = 3, #KEYS do
  local oldest = ARGV[6 + (index - 3) * 2]
  if oldest ~= '' then redis.call('XTRIM', KEYS[index], 'MINID', oldest) end
  redis.call('PEXPIRE', KEYS[index], ttl)
end
if #numbers > 0 then
  redis.call('HSET', KEYS[2], 'batch', batch, 'numbers', cjson.encode(numbers))
  redis.call('PEXPIRE', KEYS[2], 3600000)
end
return numbers
`;

/**
 * Says which channels this process watches, and keeps the streams alive for as long as somebody uses them.
 *
 * KEYS for each channel who watches it, then the streams.
 * ARGV this process, how long it counts in ms, how long a stream may lie untouched in ms, then 1 or 0 for each channel.
 * Returns for each channel how many others watch it.
 */
export const beatScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local others = {}
for index = 4, #ARGV do
  local watched, stream = KEYS[index - 3], KEYS[#KEYS / 2 + index - 3]
  redis.call('ZREMRANGEBYSCORE', watched, '-inf', now - ARGV[2])
  if ARGV[index] == '1' then
    redis.call('ZADD', watched, now, ARGV[1])
    redis.call('PEXPIRE', watched, ARGV[2])
  else
    redis.call('ZREM', watched, ARGV[1])
  end
  others[#others + 1] = redis.call('ZCARD', watched) - tonumber(ARGV[index])
  redis.call('PEXPIRE', stream, ARGV[3])
end
return others
`;
