/** Interface of an attack, and forms that many attacks have. */
import type { TaskPayload } from '../../protocol/agent.ts';
import type { Kind, Lab } from './lab.ts';

export interface Attack {
  /** Goal, as a line of the report. */
  name: string;
  /** Agent on which it has to succeed, or counts as failed. By default `plain`. */
  control?: Exclude<Kind, 'apart'>;
  /** Tries on the agent with separation: a race may go either way. By default 1. */
  tries?: number;
  /** Resolves to true when the attack reached its goal. */
  run(lab: Lab): Promise<boolean>;
}

export type Script = string | ((lab: Lab) => string);

export const scriptOf = (script: Script, lab: Lab): string =>
  typeof script === 'string' ? script : script(lab);

/** Succeeds when the output of the script has one of the agent's secrets. */
export const reads = (name: string, script: Script): Attack => ({
  name,
  run: async (lab) => {
    const { output } = await lab.run({ script: scriptOf(script, lab) });
    return lab.secrets.some((secret) => output.includes(secret));
  },
});

/** Succeeds when the script says so. */
export const does = (name: string, script: Script, more: Partial<TaskPayload> = {}): Attack => ({
  name,
  run: async (lab) => {
    const { output } = await lab.run({ ...more, script: scriptOf(script, lab) });
    return output.includes('reached its goal');
  },
});

/** Script line that reports success. */
export const goal = 'echo reached its goal';

/** Script of a task that waits until `releases` is called. `before` runs first. */
export const waits = (lab: Lab, before = 'true'): string => `${before}\necho ready\nexec ${lab.hold}`;
