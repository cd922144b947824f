/** The states of an instance as a table. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html */

export const stateCodes = {
  pending: 0,
  running: 16,
  'shutting-down': 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
} as const;
export type StateName = keyof typeof stateCodes;

/** What happens to an instance: asked by a caller, or `settle`, when a passing state is over. */
export type InstanceEvent = 'start' | 'stop' | 'terminate' | 'settle';

/** What a caller is told when the state forbids what he asks. */
export interface Refusal {
  readonly code: 'IncorrectInstanceState';
}

const refused: Refusal = { code: 'IncorrectInstanceState' };

/** A call for the state that the instance is in, or is on the way to, changes nothing and is no error, as in EC2. */
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

/** How long a passing state lasts, in milliseconds. */
export interface Delays {
  readonly pendingMs: number;
  /** From `running` until the machine has booted, so that the agent starts. */
  readonly bootMs: number;
  /** Also for `shutting-down`. */
  readonly stoppingMs: number;
}

/** Undefined for a state that lasts until somebody asks for another. */
export const durationOf = (state: StateName, { pendingMs, stoppingMs }: Delays): number | undefined =>
  state === 'pending'
    ? pendingMs
    : state === 'stopping' || state === 'shutting-down'
      ? stoppingMs
      : undefined;
