/** Log and metrics of the functions: JSON lines for CloudWatch, by Powertools for AWS Lambda. */
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { Log } from './log.ts';

/** AWS bills every metric by the hour in which it has values, so each earns its place: docs/using/cost.md. */
const units = {
  /** Time from a task's creation to its first line of output; first attempts only. */
  QueueToRunning: MetricUnit.Milliseconds,
  /** Time from the instance's launch to its agent's first heartbeat. */
  BootTime: MetricUnit.Milliseconds,
  /** Time of an instance session in which no task ran. */
  IdleTime: MetricUnit.Seconds,
  /** US dollars that an instance would have cost, had it not slept. */
  SavedUsd: MetricUnit.NoUnit,
  Repairs: MetricUnit.Count,
  /** Waiting time of the task that waits longest. */
  OldestWaiting: MetricUnit.Seconds,
  /** Number of instances that are on and have had nothing to do for too long. */
  InstancesWithoutWork: MetricUnit.Count,
} as const;

export type MetricName = keyof typeof units;

export const metricNames = Object.keys(units);

/** Records a value with its context. `kind` makes it a separate metric. */
export type Measure = (
  name: MetricName,
  value: number,
  about?: Readonly<Record<string, string>>,
  kind?: string,
) => void;

export interface Telemetry {
  readonly log: Log;
  readonly measure: Measure;
}

/**
 * Powertools itself reads POWERTOOLS_METRICS_NAMESPACE, and Lambda's variables for the name and the trace.
 */
export const telemetry = (): Telemetry => {
  const metrics = new Metrics({ serviceName: 'reveille' });
  return {
    log: new Logger({ serviceName: 'reveille' }),
    // Each is written at once: an invocation's end may not come.
    measure: (name, value, about = {}, kind) => {
      const single = metrics.singleMetric();
      if (kind !== undefined) single.addDimension('kind', kind);
      for (const [key, text] of Object.entries(about)) single.addMetadata(key, text);
      single.addMetric(name, units[name], value);
    },
  };
};
