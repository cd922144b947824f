import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';

const line = z.record(z.string(), z.unknown());
const module = new URL('telemetry.ts', import.meta.url).href;

/** Output of a process that calls `log` and `measure`, line by line. */
const written = (say: string): Record<string, unknown>[] => {
  const script = `import { telemetry } from '${module}'; const { log, measure } = telemetry('Reveille'); ${say}`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    env: { _X_AMZN_TRACE_ID: 'Root=1-5759e988-bd86;Parent=557abcec;Sampled=1' },
    encoding: 'utf8',
  });
  return stdout
    .trim()
    .split('\n')
    .map((one) => line.parse(JSON.parse(one)));
};

describe('the log', () => {
  it('is JSON with the ids of the message', () => {
    const about = { taskId: 'tsk_1', runnerId: 'run_1', deliveryId: 'msg_1' };
    expect(written(`log.info('Started an instance', ${JSON.stringify(about)})`)).toEqual([
      {
        ...about,
        level: 'INFO',
        message: 'Started an instance',
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        service: 'reveille',
        xray_trace_id: '1-5759e988-bd86',
      },
    ]);
  });

  it('has level ERROR for an error, which the alarm counts', () => {
    expect(written(`log.error('Request failed', { error: 'it broke' })`)).toEqual([
      expect.objectContaining({ level: 'ERROR', message: 'Request failed' }),
    ]);
  });
});

describe('a metric', () => {
  it('is written at once in the embedded metric format, with its unit and its context', () => {
    const [metric] = written(`measure('QueueToRunning', 1234, { taskId: 'tsk_1' })`);
    expect(metric).toMatchObject({
      QueueToRunning: 1234,
      taskId: 'tsk_1',
      service: 'reveille',
      _aws: {
        CloudWatchMetrics: [
          {
            Namespace: 'Reveille',
            Dimensions: [['service']],
            Metrics: [{ Name: 'QueueToRunning', Unit: 'Milliseconds' }],
          },
        ],
      },
    });
  });

  it('has its kind as a dimension', () => {
    const [metric] = written(`measure('Repairs', 2, {}, 'lease_lapsed')`);
    expect(metric).toMatchObject({
      Repairs: 2,
      kind: 'lease_lapsed',
      _aws: { CloudWatchMetrics: [{ Dimensions: [['service', 'kind']] }] },
    });
  });
});
