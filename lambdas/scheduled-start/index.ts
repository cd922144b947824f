/** Starts the template of a due schedule, invoked by EventBridge Scheduler. */
import { scheduledStart } from '../../protocol/index.ts';
import { scheduleStore } from '../adapters/schedules/schedules.ts';
import { readConfig } from '../config.ts';
import { runSchedule } from '../flows/schedules/run-schedule.ts';
import { causeVariables, wireStartByCause } from '../wiring.ts';

const causes = wireStartByCause(readConfig(causeVariables, process.env));
const { table, now, newId } = causes;
const deps = { ...causes, schedules: scheduleStore(table, { now, newId }) };

export const handler = (event: unknown): Promise<void> => runSchedule(deps, scheduledStart.parse(event));
