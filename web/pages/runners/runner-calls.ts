/** Calls about one runner. Those that change it read the runners again. */
import { useQueryClient } from '@tanstack/react-query';
import { runnersIn } from '../../../protocol/endpoints/runners.ts';
import type { Runner } from '../../../protocol/index.ts';
import { call, send } from '../../data/request.ts';
import { runnersKey } from '../../data/runners.ts';
import { say } from '../../ui/toast.tsx';
import { draftOf, inputOf, type RunnerDraft } from './runner-form.tsx';

export type Verb = 'wake' | 'sleep' | 'drain' | 'resume';

export const useRunnerCalls = (runner: Runner, projectId: string | undefined) => {
  const client = useQueryClient();
  const { endpoints, params: place } = runnersIn(projectId);
  const params = { ...place, runnerId: runner.id };
  const refresh = () => client.invalidateQueries({ queryKey: runnersKey(projectId) });
  const replace = async (draft: RunnerDraft) => {
    await send(endpoints.replace, { params, body: inputOf(draft) });
    await refresh();
  };
  return {
    refresh,
    replace,
    command: (verb: Verb) => call(endpoints[verb], { params }),
    setActive: async (active: boolean) => {
      await replace({ ...draftOf(runner), active });
      say(active ? `${runner.name} takes tasks again.` : `${runner.name} takes no more tasks.`);
    },
    rotateToken: async () => (await call(endpoints.rotateToken, { params, body: { graceMs: 0 } })).token,
    remove: () => call(endpoints.remove, { params }),
  };
};
