/** Deliberate defects of the product, each a replacement in one file, that the simulation must detect. */

export interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export const mutants: readonly Mutant[] = [
  {
    name: 'an unreadable item is not skipped',
    file: 'lambdas/adapters/records.ts',
    from: `        table.reportUnreadable(new UnreadableItem(keyOf(item), fieldsOf(result.error)));
        return [];`,
    to: `        throw new UnreadableItem(keyOf(item), fieldsOf(result.error));`,
  },
  {
    name: 'a limit lets in more tasks than it may',
    file: 'lambdas/adapters/tasks/limits.ts',
    from: `['sizeBelow', 'held', 'max'],`,
    to: `['exists', 'held'],`,
  },
  {
    name: 'a task is claimed although a limit keeps it out',
    file: 'lambdas/adapters/tasks/tasks.ts',
    from: `          ['any', ['missing', 'limits'], ['=', 'admitted', true]],
`,
    to: '',
  },
  {
    name: 'a lost task is let in again where more run than may',
    file: 'lambdas/flows/tasks/limits.ts',
    from: `    if (entered && isOverfull(entered)) return { limits, isOverfull: true };
`,
    to: '',
  },
  {
    name: 'a task goes past those in the line of its limit',
    file: 'lambdas/adapters/tasks/limits.ts',
    from: `isHeldOr(entry, [...nobodyWaits, ...hasRoom]),`,
    to: `isHeldOr(entry, [...nobodyWaits.slice(2), ...hasRoom]),`,
  },
  {
    name: 'a task that joined the line of a limit does not read the limit again',
    file: 'lambdas/flows/tasks/assign.ts',
    from: `  if (state) await callNext(deps, ref, state);
  return state;`,
    to: `  return state;`,
  },
  {
    name: 'who leaves a limit looks at its line before the write',
    file: 'lambdas/flows/tasks/assign.ts',
    from: `    const state = await deps.limits.leave(ref, entryOf(task));
    const calls = state && isAwaited(state) && ref.ownerId !== calling?.ownerId;
    if (calls) await callNext(deps, ref, state);
`,
    to: `    const state = await deps.limits.get(ref);
    const calls = state && isAwaited(state) && ref.ownerId !== calling?.ownerId;
    if (calls) await callNext(deps, ref, state);
    await deps.limits.leave(ref, entryOf(task));
`,
  },
  {
    name: 'a claim takes a task whatever its status',
    file: 'lambdas/adapters/tasks/tasks.ts',
    from: `          ['in', 'status', taskSources('claim')],
          ['=', 'queue', by.queue],`,
    to: `          ['=', 'queue', by.queue],`,
  },
  {
    name: 'a claim takes a slot of a runner that is not online',
    file: 'lambdas/adapters/runners/runner-slots.ts',
    from: `        ['=', 'status', 'online'],
        ['=', 'active', true],
        ['missing', 'drainRequestedAt'],`,
    to: `        ['missing', 'drainRequestedAt'],`,
  },
  {
    name: 'a claim takes a slot that is not free',
    file: 'lambdas/adapters/runners/runner-slots.ts',
    from: `['any', ['contains', 'slots', task.id], hasRoom],`,
    to: '',
  },
  {
    name: 'the goodbye of an agent is stored as a drain that a person asked for',
    file: 'lambdas/adapters/runners/runner-agents.ts',
    from: `setIfMissing: draining ? { drainAnnouncedAt: now }`,
    to: `setIfMissing: draining ? { drainRequestedAt: now }`,
  },
  {
    name: 'a second instance is woken while one that starts has room',
    file: 'lambdas/core/tasks/select-runner.ts',
    from: `  starting: 1,`,
    to: `  starting: 5,`,
  },
  {
    name: 'a drain does not look whether the runner is idle',
    file: 'lambdas/flows/runners/power.ts',
    from: `'draining', deps.now(), { idle: true })`,
    to: `'draining', deps.now())`,
  },
  {
    name: 'a stop does not look whether work has come since the drain',
    file: 'lambdas/flows/runners/power.ts',
    from: `  const from = runnerSources(why, 'stopping');
  const conditions = stopConditions(runner)[why];`,
    to: `  const from = why === 'stop' ? ['draining', 'online'] as const : runnerSources(why, 'stopping');
  const conditions = why === 'stop' ? {} : stopConditions(runner)[why];`,
  },
  {
    name: 'a task is assigned whatever the status of the runner became',
    file: 'lambdas/adapters/runners/runner-slots.ts',
    from: `        ['=', 'status', from],
        ['=', 'active', true],`,
    to: `        ['=', 'active', true],`,
  },
  {
    name: 'a task that came while the instance stopped is forgotten',
    file: 'lambdas/core/runners/runner-state.ts',
    from: `{ from: [...awake, 'offline'], event: 'instance_stopped', when: 'is_wanted', to: 'starting' },`,
    to: '',
  },
  {
    name: 'a finish is taken from whoever reports it',
    file: 'lambdas/adapters/tasks/tasks.ts',
    from: `        ['in', 'status', taskSources('finish', result.status)],
        ...heldBy(holder),`,
    to: `        ['in', 'status', taskSources('finish', result.status)],`,
  },
  {
    name: 'a finish does not free the slot',
    file: 'lambdas/flows/tasks/report.ts',
    from: `  const runner = await freeSlot(deps, lease, finished);`,
    to: `  const runner = await deps.runners.get(lease.pool, lease.runnerId);`,
  },
  {
    name: 'a heartbeat does not renew the lease',
    file: 'lambdas/adapters/runners/runner-agents.ts',
    from: `          heartbeatAt: now,
          leaseUntil,`,
    to: `          heartbeatAt: now,`,
  },
  {
    name: 'a heartbeat does not take from the runner what its agent forgot',
    file: 'lambdas/flows/runners/heartbeat.ts',
    from: `request.claims === runner.claims ?`,
    to: `request.claims === -1 ?`,
  },
  {
    name: 'a late heartbeat counts for tasks that were claimed after it',
    file: 'lambdas/flows/runners/heartbeat.ts',
    from: `request.claims === runner.claims ?`,
    to: `request.claims !== -1 ?`,
  },
  {
    name: 'the agent forgets to renew its leases',
    file: 'runner-agent/heartbeat.ts',
    from: `task.renew(lease, timing.now() - sentAt);`,
    to: '',
  },
  {
    name: 'the agent goes on with a task whose lease lapsed',
    file: 'runner-agent/task/held-tasks.ts',
    from: `      onLapse(task);
      task.end('lost');`,
    to: `      onLapse(task);`,
  },
  {
    name: 'the agent sleeps on although its runner was resumed',
    file: 'runner-agent/idle-monitor.ts',
    from: `if (!drain && sentAtMs > asleepSince)`,
    to: `if (!drain && sentAtMs < asleepSince)`,
  },
  {
    name: 'a lost task is queued again under the same attempt',
    file: 'lambdas/adapters/tasks/tasks.ts',
    from: `add: { attempt: 1, ...`,
    to: `add: { attempt: 0, ...`,
  },
  {
    name: 'a task is taken from a runner that has just renewed its lease',
    file: 'lambdas/flows/reconcile/silence.ts',
    from: `  runner.leaseUntil === undefined || msBetween(runner.leaseUntil, now) > 0;`,
    to: `  runner.leaseUntil === undefined || msBetween(runner.leaseUntil, now) > -60_000;`,
  },
  {
    name: 'a receiver of webhooks accepts a replay',
    file: 'lambdas/flows/webhooks/receive.ts',
    from: `if (!(await deps.deliveries.firstSight(id, timestamp, deps.now())))`,
    to: `if (!(await deps.deliveries.firstSight(id, timestamp, deps.now())) && id === '')`,
  },
  {
    name: 'a webhook attempt overwrites what another found',
    file: 'lambdas/adapters/webhooks/deliveries.ts',
    from: `        ['=', 'status', 'pending'],
        ['any', ['missing', 'tries'], ['=', 'tries', made.attempts.length]],`,
    to: `        ['exists', 'pk'],`,
  },
  {
    name: 'the reconciler does not reassign what lost its runner',
    file: 'lambdas/flows/reconcile/tasks.ts',
    from: `    if ((await assignTask(deps, task)) !== undefined) repaired(`,
    to: `    if (task.id === '') repaired(`,
  },
  {
    name: 'the reconciler does not look after instances that do not boot',
    file: 'lambdas/flows/reconcile/runners.ts',
    from: `      await bootAgain(deps, runner);
`,
    to: '',
  },
  {
    name: 'the reconciler does not see that an agent fell silent',
    file: 'lambdas/flows/reconcile/runners.ts',
    from: `      if (isLapsed(runner, now)) return 'settle_silent';
`,
    to: '',
  },
  {
    name: 'the reconciler takes every instance to be as its runner says',
    file: 'lambdas/flows/reconcile/runners.ts',
    from: `if (lacksInstance(found) || !isInStep(found, listed)) return true;`,
    to: `if (lacksInstance(found)) return true;`,
  },
  {
    name: 'the reconciler gives up at the first repair that fails',
    file: 'lambdas/flows/reconcile/repairs.ts',
    from: `      repaired('failed_and_left_for_later', { id, error: String(error) }, 'error');`,
    to: `      throw error;`,
  },
  {
    name: 'a runner is assigned more tasks than it has places',
    file: 'lambdas/adapters/runners/runner-slots.ts',
    from: `        ['any', ['contains', 'assigned', task.id], hasFreePlace],
`,
    to: `        ...(hasFreePlace.length > 0 ? [] : [hasFreePlace]),
`,
  },
  {
    name: 'a task that joined the line does not look for a free place once more',
    file: 'lambdas/flows/tasks/start-task.ts',
    from: `await assignTask(deps, task, isInLine ? { isInLine } : { first: assignment });`,
    to: `isInLine ? 'in_line' : await assignTask(deps, task, { first: assignment });`,
  },
  {
    name: 'a runner is stopped without a look at its lines',
    file: 'lambdas/flows/runners/power.ts',
    from: `  if ((why === 'stop' || why === 'unwanted') && (await isAwaited(deps, runner))) {`,
    to: `  if (why === 'stop' && !isAwaited) {`,
  },
  {
    name: 'a runner looks for tasks in line by the index',
    file: 'lambdas/flows/tasks/line.ts',
    from: `    : deps.lines.first(queue, undefined, atMost);`,
    to: `    : deps.tasks.line(queue, atMost);`,
  },
  {
    name: 'nobody looks at the line when a task ends',
    file: 'lambdas/flows/tasks/report.ts',
    from: `  if (runner && room(runner) > 0) await assignFromLines(deps, queuesOf(runner), 1);
`,
    to: `  if (runner && room(runner) < 0) await assignFromLines(deps, queuesOf(runner), 1);
`,
  },
  {
    name: 'a task that has ended takes its project its turn',
    file: 'lambdas/flows/tasks/claim.ts',
    from: `tasks.filter(({ status }) => status === 'waiting').map(inLineOf)`,
    to: `tasks.map(inLineOf)`,
  },
  {
    name: 'a task goes before those in line when it rang alone',
    file: 'lambdas/flows/tasks/claim.ts',
    from: `if (!(await deps.lines.isAwaited(queue))) {`,
    to: `if (queue !== '') {`,
  },
  {
    name: 'a place counts as filled by a task that another call has assigned',
    file: 'lambdas/flows/tasks/line.ts',
    from: `if (assigned) count += 1;`,
    to: `count += 1;`,
  },
  {
    name: 'a task that has ended runs again by a late answer to a claim',
    file: 'runner-agent/queue/claim.ts',
    from: `if (isEnding || held.isDone(claim.taskId)) {`,
    to: `if (isEnding) {`,
  },
  {
    name: 'a runner is chosen whatever its tags',
    file: 'lambdas/core/tasks/routing.ts',
    from: `projectRunners.filter((runner) => queuesOf(runner).includes(queue))`,
    to: `projectRunners.filter(() => true)`,
  },
  {
    name: 'a claim gives the task that rang, whatever waits before it',
    file: 'lambdas/flows/tasks/claim.ts',
    from: `    const line = await deps.tasks.line(queue, lookedAt);`,
    to: `    const line: InLine[] = [];`,
  },
  {
    name: 'the priority of a task is forgotten',
    file: 'lambdas/core/tasks/order.ts',
    from: `export const rankOf = ({ id, priority = 0 }: Ordered)`,
    to: `const none = 0; export const rankOf = ({ id, priority: _ }: Ordered, priority = none)`,
  },
  {
    name: 'the global pool serves whoever came first',
    file: 'lambdas/core/tasks/order.ts',
    from: `.sort((a, b) => a.before - b.before || a.servedAt - b.servedAt || byRank(a.task, b.task))`,
    to: `.sort((a, b) => byRank(a.task, b.task))`,
  },
  {
    name: 'the lease of starts is released without a look at what waits',
    file: 'lambdas/flows/runners/start-turns.ts',
    from: `    await deps.starts.releaseLease(region, lease);
    await startLeft(deps, region, lease);`,
    to: `    await deps.starts.releaseLease(region, lease);`,
  },
  {
    name: 'a start is put into the queue after the lease was tried',
    file: 'lambdas/flows/runners/start-turns.ts',
    from: `    await enqueue(deps, region, runner);
    await callIfFree(deps, region, lease);`,
    to: `    await callIfFree(deps, region, lease);
    await enqueue(deps, region, runner);`,
  },
  {
    name: 'an instance that a fleet launched and no runner has is left alone',
    file: 'lambdas/flows/fleets/reconcile.ts',
    from: `      await deps.instances.terminate({ instanceId: facts.instanceId, region });
`,
    to: '',
  },
  {
    name: 'a launch that was cut short is left as it is',
    file: 'lambdas/flows/fleets/launch.ts',
    from: `if (runner.launch && !again)`,
    to: `if (runner.launch)`,
  },
  {
    name: 'a runner keeps its instance that was terminated',
    file: 'lambdas/flows/runners/instance-state.ts',
    from: `    statusSince,
    set: withoutInstance,`,
    to: `    statusSince,`,
  },
  {
    name: 'the start of an instance is told of after it was billed, and is billed again',
    file: 'lambdas/adapters/runners/runner-instances.ts',
    from: `        ['any', ['missing', 'lastSessionStartedAt'], ['<', 'lastSessionStartedAt', session.startedAt]],
`,
    to: '',
  },
  {
    name: 'an instance that was off again before its start was told of is not billed',
    file: 'lambdas/flows/runners/instance-state.ts',
    from: `((await openUnseen(deps, runner, facts)) ?? (await openedMeanwhile(deps, runner, facts)));`,
    to: `(await openedMeanwhile(deps, runner, facts)); void openUnseen;`,
  },
  {
    name: 'a launch that never ran is billed',
    file: 'lambdas/flows/runners/instance-state.ts',
    from: `onlineAt !== undefined && onlineAt >= facts.launchedAt;`,
    to: `(onlineAt === undefined || onlineAt !== undefined);`,
  },
];
