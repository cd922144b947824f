/** The log and the metrics of the functions: JSON lines that CloudWatch reads, by Powertools for AWS Lambda. */
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';

/** Every metric is billed by the hour in which it has values, so each earns its place: docs/using/cost.md. */
const units = {
  /** From the task's creation to its first line of output; of first attempts. */
  QueueToRunning: MetricUnit.Milliseconds,
  /** From the instance's launch to its agent's first heartbeat. */
  BootTime: MetricUnit.Milliseconds,
  /** Of an instance session, in which no task ran. */
  IdleTime: MetricUnit.Seconds,
  /** US dollars that an instance would have cost, had it not slept. */
  SavedUsd: MetricUnit.NoUnit,
  Repairs: MetricUnit.Count,
  /** How long the task that waits longest has waited. */
  OldestWaiting: MetricUnit.Seconds,
  /** Instances that are on, and have had nothing to do for too long. */
  InstancesWithoutWork: MetricUnit.Count,
} as const;

export type MetricName = keyof typeof units;

export const metricNames = Object.keys(units);

/** Puts a value on record, with what it is about beside it. `kind` makes it a metric of its own. */
export type Measure = (
  name: MetricName,
  value: number,
  about?: Readonly<Record<string, string>>,
  kind?: string,
) => void;

/** What is about an error is logged as one, which an alarm counts. */
export type Log = (message: string, about: Readonly<Record<string, unknown>>) => void;

export interface Telemetry {
  readonly log: Log;
  readonly measure: Measure;
}

/** Powertools itself reads POWERTOOLS_METRICS_NAMESPACE, and Lambda's own variables for the name and the trace. */
export const telemetry = (): Telemetry => {
  const logger = new Logger({ serviceName: 'reveille' });
  const metrics = new Metrics({ serviceName: 'reveille' });
  return {
    log: (message, about) => {
      if ('error' in about) logger.error(message, about);
      else logger.info(message, about);
    },
    // Each by itself: so nothing waits for the end of an invocation that may not come.
    measure: (name, value, about = {}, kind) => {
      const single = metrics.singleMetric();
      if (kind !== undefined) single.addDimension('kind', kind);
      for (const [key, text] of Object.entries(about)) single.addMetadata(key, text);
      single.addMetric(name, units[name], value);
    },
  };
};
