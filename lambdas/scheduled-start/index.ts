/** Starts the template of a due schedule, invoked by EventBridge Scheduler. */
import { scheduledStart } from '../../protocol/index.ts';
import { readConfig } from '../config.ts';
import { runSchedule } from '../flows/schedules/run-schedule.ts';
import { causeVariables, wireStartByCause } from '../wiring.ts';

const deps = wireStartByCause(readConfig(causeVariables, process.env));

export const handler = (event: unknown): Promise<void> => runSchedule(deps, scheduledStart.parse(event));
