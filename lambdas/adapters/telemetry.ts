/**
 * Log and metrics of the functions: JSON lines for CloudWatch. The metrics have its embedded metric format
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
 */
import type { Log, LogLine } from './log.ts';

/** AWS bills every metric by the hour in which it has values, so each earns its place: docs/using/cost.md. */
const units = {
  /** Time from a task's creation to its first line of output; first attempts only. */
  QueueToRunning: 'Milliseconds',
  /** Time from the instance's launch to its agent's first heartbeat. */
  BootTime: 'Milliseconds',
  /** Time of an instance session in which no task ran. */
  IdleTime: 'Seconds',
  /** US dollars that an instance would have cost, had it not slept. */
  SavedUsd: 'None',
  Repairs: 'Count',
  /** Waiting time of the task that waits longest. */
  OldestWaiting: 'Seconds',
  /** Number of instances that are on and have had nothing to do for too long. */
  InstancesWithoutWork: 'Count',
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

const service = 'reveille';

/** Not by `console`: Lambda's would put each line into another JSON object. */
const write = (line: object): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};

/** Reads the trace of this invocation, which Lambda sets for each (AWS: Lambda environment variables). */
const traceId = (): string | undefined => /Root=([^;]+)/.exec(process.env._X_AMZN_TRACE_ID ?? '')?.[1];

const logAs =
  (level: string): LogLine =>
  (message, about) => {
    const timestamp = new Date().toISOString();
    const own = { level, message, timestamp, service, xray_trace_id: traceId() };
    write({ ...own, ...about, ...own }); // First in the line, and not replaced by the context.
  };

/** Makes the log and the metrics of a function; `namespace` is the one of its metrics in CloudWatch. */
export const telemetry = (namespace: string): Telemetry => ({
  log: { info: logAs('INFO'), warn: logAs('WARN'), error: logAs('ERROR') },
  measure: (name, value, about = {}, kind) => {
    const metrics = {
      Namespace: namespace,
      Dimensions: [kind === undefined ? ['service'] : ['service', 'kind']],
      Metrics: [{ Name: name, Unit: units[name] }],
    };
    const _aws = { Timestamp: Date.now(), CloudWatchMetrics: [metrics] };
    write({ ...about, _aws, service, kind, [name]: value });
  },
});
