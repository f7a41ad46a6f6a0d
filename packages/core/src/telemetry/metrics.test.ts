// The figures of calls, memory and processor: exact at the edges of their windows.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cpuFiguresOf,
  cpuText,
  createCallStats,
  memoryFiguresOf,
  memoryText,
  serverMetrics,
} from './metrics.ts';

const statsAt = (startMs: number) => {
  let now = startMs;
  const stats = createCallStats({ now: () => now, sleep: () => Promise.resolve() });
  return {
    stats,
    at: (ms: number) => {
      now = ms;
      return stats;
    },
  };
};

const start = 1_700_000_000_000;
const mib = 1024 * 1024;

describe('createCallStats', () => {
  it('knows nothing without calls', () => {
    expect(statsAt(start).stats.snapshot()).toEqual({
      requests_total: 0,
      requests_per_minute: 0,
      average_response_time: null,
      error_rate: 0,
    });
  });

  it('counts, averages, and tells failures', () => {
    const { stats } = statsAt(start);
    stats.record({ durationMs: 100, ok: true });
    stats.record({ durationMs: 200, ok: true });
    stats.record({ durationMs: 300.5, ok: false });
    expect(stats.snapshot()).toEqual({
      requests_total: 3,
      requests_per_minute: 3,
      average_response_time: 200.167,
      error_rate: 0.3333,
    });
  });

  it('forgets to the second: the current one and 59 before it, or 299', () => {
    const { at } = statsAt(start);
    at(start + 999).record({ durationMs: 10, ok: false });
    expect(at(start + 59_999).snapshot().requests_per_minute).toBe(1);
    expect(at(start + 60_000).snapshot().requests_per_minute).toBe(0);
    expect(at(start + 299_999).snapshot()).toMatchObject({ average_response_time: 10, error_rate: 1 });
    expect(at(start + 300_000).snapshot()).toEqual({
      requests_total: 1,
      requests_per_minute: 0,
      average_response_time: null,
      error_rate: 0,
    });
  });

  it('comes through a clock that is set back or far ahead', () => {
    const { at } = statsAt(start);
    at(start).record({ durationMs: 10, ok: true });
    expect(at(start - 5_000).snapshot()).toMatchObject({ requests_total: 1, requests_per_minute: 0 });
    at(start - 5_000).record({ durationMs: 30, ok: true });
    expect(at(start).snapshot()).toMatchObject({ requests_per_minute: 2, average_response_time: 20 });
    expect(at(start + 86_400_000).snapshot()).toMatchObject({ requests_total: 2, requests_per_minute: 0 });
  });

  it('agrees with a list of all calls', () => {
    const call = fc.record({
      gapMs: fc.oneof(fc.nat({ max: 5_000 }), fc.nat({ max: 400_000 })),
      durationMs: fc.nat({ max: 1_000 }),
      ok: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.nat({ max: 10_000 }), fc.array(call, { maxLength: 200 }), (offset, calls) => {
        const { at } = statsAt(start);
        let now = start + offset;
        const all = calls.map(({ gapMs, ...recorded }) => {
          now += gapMs;
          at(now).record(recorded);
          return { second: Math.floor(now / 1000), ...recorded };
        });
        const within = (seconds: number) =>
          all.filter(({ second }) => Math.floor(now / 1000) - second < seconds);
        const recent = within(300);
        const { requests_per_minute, average_response_time, error_rate } = at(now).snapshot();
        expect(requests_per_minute).toBe(within(60).length);
        if (recent.length === 0) return;
        const sum = recent.reduce((total, { durationMs }) => total + durationMs, 0);
        expect(average_response_time).toBeCloseTo(sum / recent.length, 2);
        expect(error_rate).toBeCloseTo(recent.filter(({ ok }) => !ok).length / recent.length, 3);
      }),
    );
  });
});

describe('memory and processor', () => {
  it('are told as in the specification', () => {
    expect(memoryFiguresOf(268_435_456, 536_870_912)).toEqual({
      used: 268_435_456,
      limit: 536_870_912,
      percentage: 50,
    });
    expect(cpuFiguresOf(0.25, 0.5)).toEqual({ usage: 0.25, limit: 0.5, percentage: 50 });
    expect([memoryText(256 * mib), memoryText(256.4 * mib), memoryText(0)]).toEqual([
      '256MB',
      '256MB',
      '0MB',
    ]);
    expect([cpuText(0.25), cpuText(1.5), cpuText(0)]).toEqual(['25%', '150%', '0%']);
  });

  it('have null for what is not limited or not known', () => {
    expect(memoryFiguresOf(1, null)).toEqual({ used: 1, limit: null, percentage: null });
    expect(memoryFiguresOf(null, 1)).toEqual({ used: null, limit: 1, percentage: null });
    expect(cpuFiguresOf(0.123_456, null)).toEqual({ usage: 0.123, limit: null, percentage: null });
    expect(cpuFiguresOf(null, null)).toEqual({ usage: null, limit: null, percentage: null });
  });
});

it('has the shape of the specification', () => {
  const answer = {
    server_id: 'context7-mcp',
    metrics: {
      requests_total: 1500,
      requests_per_minute: 25,
      average_response_time: 150,
      error_rate: 0.02,
      uptime_seconds: 3600,
      memory: { used: 268_435_456, limit: 536_870_912, percentage: 50 },
      cpu: { usage: 0.25, limit: 0.5, percentage: 50 },
    },
  };
  expect(serverMetrics.parse(answer)).toEqual(answer);
});
