/**
 * State table of an instance. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html
 */

export const stateCodes = {
  pending: 0,
  running: 16,
  'shutting-down': 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
} as const;
export type StateName = keyof typeof stateCodes;

/** An event of an instance: a caller's request, or `settle` at the end of a transitional state. */
export type InstanceEvent = 'start' | 'stop' | 'terminate' | 'settle';

/** Error for a request that the state forbids. */
export interface Refusal {
  readonly code: 'IncorrectInstanceState';
}

const refused: Refusal = { code: 'IncorrectInstanceState' };

/** State table, as in EC2: a request for the current or the coming state changes nothing and is no error. */
const transitions: Readonly<Record<StateName, Readonly<Record<InstanceEvent, StateName | Refusal>>>> = {
  pending: { start: 'pending', stop: refused, terminate: 'shutting-down', settle: 'running' },
  running: { start: 'running', stop: 'stopping', terminate: 'shutting-down', settle: 'running' },
  stopping: { start: refused, stop: 'stopping', terminate: 'shutting-down', settle: 'stopped' },
  stopped: { start: 'pending', stop: 'stopped', terminate: 'terminated', settle: 'stopped' },
  'shutting-down': {
    start: refused,
    stop: refused,
    terminate: 'shutting-down',
    settle: 'terminated',
  },
  terminated: { start: refused, stop: refused, terminate: 'terminated', settle: 'terminated' },
};

export const transition = (state: StateName, event: InstanceEvent): StateName | Refusal =>
  transitions[state][event];

/** Durations of the transitional states, in milliseconds. */
export interface Delays {
  readonly pendingMs: number;
  /** Time from `running` until the machine has booted and the agent starts. */
  readonly bootMs: number;
  /** Duration of `stopping` and `shutting-down`. */
  readonly stoppingMs: number;
}

/** Duration of a state; undefined for a state that lasts until the next request. */
export const durationOf = (state: StateName, { pendingMs, stoppingMs }: Delays): number | undefined =>
  state === 'pending'
    ? pendingMs
    : state === 'stopping' || state === 'shutting-down'
      ? stoppingMs
      : undefined;
