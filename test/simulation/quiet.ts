/** Lists what is still in progress in a simulation, one line each; empty once the simulation is at rest. */
import type { SimulatedEc2 } from './simulated-ec2.ts';
import type { SimulatedTable } from './simulated-table.ts';

export const whatGoesOn = (table: SimulatedTable, ec2: SimulatedEc2): string[] => {
  const loud: string[] = [];
  for (const item of table.items('tsk_')) {
    if (!['success', 'error', 'stopped'].includes(String(item.status)))
      loud.push(`task ${String(item.id).slice(-6)} is ${String(item.status)}`);
  }
  for (const item of table.items('run_')) {
    if (item.slots instanceof Set)
      loud.push(`runner ${String(item.id).slice(-4)} holds ${item.slots.size} tasks`);
    if (item.assigned instanceof Set)
      loud.push(`runner ${String(item.id).slice(-4)} is assigned ${item.assigned.size} tasks`);
    const isBound = typeof (item.instanceId ?? item.fleet) === 'string';
    if (isBound && item.status !== 'stopped')
      loud.push(`runner ${String(item.id).slice(-4)} is ${String(item.status)}`);
  }
  for (const id of ec2.ids()) {
    const state = ec2.stateOf(id);
    if (state !== 'stopped' && state !== 'terminated') loud.push(`instance ${id.slice(-4)} is ${state}`);
  }
  const bound = new Set([...table.items('run_')].map(({ instanceId }) => instanceId));
  for (const { instanceId } of ec2.listLaunched()) {
    if (!bound.has(instanceId)) loud.push(`instance ${instanceId.slice(-4)} is nobody's`);
  }
  for (const item of table.items('msg_')) {
    if (item.status === 'pending')
      loud.push(`delivery ${String(item.id)} is pending: ${JSON.stringify(item.attempts)}`);
  }
  return loud;
};
