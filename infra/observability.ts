/**
 * Alarms to an SNS topic and one dashboard, for the stack's operators. What each costs: docs/using/cost.md.
 */
import {
  Alarm,
  ComparisonOperator,
  Dashboard,
  GraphWidget,
  type IMetric,
  MathExpression,
  Metric,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { FilterPattern, MetricFilter } from 'aws-cdk-lib/aws-logs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Duration, type Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';

export interface ObservabilityProps {
  /** Namespace of this stack's metrics, so that two stacks of an account stay apart. */
  readonly namespace: string;
  /** Stack whose functions are all observed; so this construct comes last. */
  readonly stack: Stack;
  /**
   * Address that gets the alarms; its owner must confirm by the link in AWS's first e-mail. @default no
   * notifications
   */
  readonly alarmEmail?: string;
  /** URL of the runbook, for links in the alarms' descriptions. @default the descriptions name its section */
  readonly runbookUrl: string | undefined;
  /** @default only the part that starts and stops instances for a Semaphore server */
  readonly whole?: WholeStack;
}

/** Resources that exist only with Reveille's own runners. */
interface WholeStack {
  /** Queue of all messages that failed all retries. */
  readonly deadLetters: IQueue;
  readonly dashboard: boolean;
}

const minute = Duration.minutes(1);
const fiveMinutes = Duration.minutes(5);

/**
 * Matches failures in a function's log. Lambda's JSON log has ERROR for a thrown error and for an error that
 * we log, such as an unreadable item. Lambda itself reports timeouts and crashes.
 */
const errorPattern = FilterPattern.literal(
  '{ ($.level = "ERROR") || (($.type = "platform.runtimeDone") && ($.record.status != "success")) }',
);

interface AlarmSpec {
  readonly metric: IMetric;
  readonly threshold: number;
  readonly periods: number;
  /** Number of recent periods that are considered. @default the alarm's periods, all in a row */
  readonly outOf?: number;
  readonly says: string;
}

export class Observability extends Construct {
  /** Topic of the alarms; operators may add further subscriptions. */
  readonly topic: Topic;

  constructor(scope: Construct, id: string, props: ObservabilityProps) {
    super(scope, id);
    const { namespace, stack } = props;
    const functions = stack.node.findAll().filter((found) => found instanceof LambdaFunction);
    this.topic = makeTopic(this, stack);
    if (props.alarmEmail !== undefined) this.topic.addSubscription(new EmailSubscription(props.alarmEmail));

    const ours = (metricName: string, statistic: string, more = {}) =>
      new Metric({ namespace, metricName, statistic, period: minute, ...more });
    /** Metric of our code; all of them have this dimension. */
    const fromCode = (metricName: string, statistic: string) =>
      ours(metricName, statistic, { dimensionsMap: { service: 'reveille' } });

    for (const { node, logGroup } of functions) {
      // One metric for all functions: an alarm on each function's own would multiply the cost.
      new MetricFilter(this, `ErrorsOf${node.scope?.node.id}`, {
        logGroup,
        filterPattern: errorPattern,
        metricNamespace: namespace,
        metricName: 'Errors',
        metricValue: '1',
      });
    }

    const errors = ours('Errors', Stats.SUM);
    // For the whole account in this region, like its limit of concurrency.
    const throttles = new Metric({
      namespace: 'AWS/Lambda',
      metricName: 'Throttles',
      statistic: Stats.SUM,
      period: minute,
    });
    const alarms: Readonly<Record<string, AlarmSpec>> = {
      Errors: {
        metric: errors,
        threshold: 0,
        // Ignores a failure whose retry succeeds; reports a function that runs each minute and fails each
        // time.
        periods: 3,
        outOf: 5,
        says: 'Functions fail, or meet items that they cannot read: errors in 3 of 5 minutes.',
      },
      Throttles: {
        metric: throttles,
        threshold: 0,
        periods: 3,
        says: 'Lambda refuses invocations: the concurrency of the account is used up.',
      },
    };
    this.#raise(alarms, props.runbookUrl);
    if (props.whole === undefined) return;

    const waiting = fromCode('OldestWaiting', Stats.MAXIMUM);
    const idle = fromCode('InstancesWithoutWork', Stats.MAXIMUM);
    const dead = props.whole.deadLetters.metricApproximateNumberOfMessagesVisible({
      period: fiveMinutes,
      statistic: Stats.MAXIMUM,
      label: 'Messages',
    });
    const alarmsOfWhole: Readonly<Record<string, AlarmSpec>> = {
      OldestWaitingTask: {
        metric: waiting,
        threshold: 900,
        periods: 5,
        says: 'A task has waited for over 15 minutes.',
      },
      DeadLetters: {
        metric: dead,
        threshold: 0,
        periods: 1,
        says: 'Something could not be done, however often it was tried.',
      },
      InstanceWithoutWork: {
        metric: idle,
        threshold: 0,
        periods: 5,
        says: 'An instance is on and costs money though it has nothing to do.',
      },
    };
    this.#raise(alarmsOfWhole, props.runbookUrl);
    if (!props.whole.dashboard) return;

    const graph = (title: string, left: IMetric[], right: IMetric[] = []) =>
      new GraphWidget({ title, left, right, width: 12, height: 6, period: fiveMinutes });
    const named = (metric: Metric, label: string) => metric.with({ label });
    new Dashboard(this, 'Dashboard', {
      // Dashboard names are account-wide (AWS: PutDashboard), and an account may have a stack in two regions.
      dashboardName: `${namespace}-${stack.region}`,
      widgets: [
        [
          graph('From the queue to the first output (ms)', [
            named(fromCode('QueueToRunning', Stats.p(50)), 'median'),
            named(fromCode('QueueToRunning', Stats.p(99)), 'p99'),
          ]),
          graph('The task that waits longest (s)', [waiting]),
        ],
        [
          graph('From launch to the agent (ms)', [
            named(fromCode('BootTime', Stats.p(50)), 'median'),
            named(fromCode('BootTime', Stats.p(99)), 'p99'),
          ]),
          graph(
            'Idle time of instances (s), and US dollars saved by sleeping',
            [fromCode('IdleTime', Stats.SUM)],
            [fromCode('SavedUsd', Stats.SUM)],
          ),
        ],
        [
          graph('Repairs', [
            new MathExpression({
              expression: `SEARCH('{"${namespace}",kind,service} MetricName="Repairs"', 'Sum', 300)`,
              label: '',
              usingMetrics: {},
            }),
          ]),
          graph('Instances on without work', [idle]),
        ],
        [graph('Errors and throttles', [errors, throttles]), graph('Dead letters', [dead])],
      ],
    });
  }

  #raise(alarms: Readonly<Record<string, AlarmSpec>>, runbookUrl: string | undefined): void {
    for (const [name, { metric, threshold, periods, outOf = periods, says }] of Object.entries(alarms)) {
      const alarm = new Alarm(this, name, {
        metric,
        threshold,
        datapointsToAlarm: periods,
        evaluationPeriods: outOf,
        comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
        // No value is written while there is nothing to report.
        treatMissingData: TreatMissingData.NOT_BREACHING,
        alarmDescription: `${says} What to do: ${placeInRunbook(name, runbookUrl)}`,
      });
      alarm.addAlarmAction(new SnsAction(this.topic));
    }
  }
}

/**
 * Makes the topic with its own policy, which requires TLS and replaces SNS's default. The default admits the
 * account's alarms, so this policy must do so too.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
 */
const makeTopic = (scope: Construct, { account }: Stack): Topic => {
  const topic = new Topic(scope, 'Alarms', { displayName: 'Reveille', enforceSSL: true });
  topic.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
      actions: ['sns:Publish'],
      resources: [topic.topicArn],
      conditions: { StringEquals: { 'aws:SourceAccount': account } },
    }),
  );
  return topic;
};

/**
 * Returns the alarm's place in the runbook: `OldestWaitingTask` is under the heading "Oldest waiting task".
 */
const placeInRunbook = (name: string, url: string | undefined): string => {
  const [first = '', ...words] = name.split(/(?=[A-Z])/);
  const heading = [first, ...words.map((word) => word.toLowerCase())].join(' ');
  return url === undefined
    ? `"${heading}" in docs/operating/runbook.md`
    : `${url}#${heading.toLowerCase().replaceAll(' ', '-')}`;
};
