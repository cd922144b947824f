/** Doors: the ways to give a task a launch option. Each tries it, and returns the outcome. */
import * as z from 'zod';
import { createProgram } from '../../cli/program.ts';
import type { ApiFixture, Call } from '../../lambdas/api/testing/fixture.ts';
import {
  givenValue,
  integration,
  type LaunchOption,
  nestValues,
  problem,
  schedule,
  task,
  template,
  valuesAgain,
} from '../../protocol/index.ts';

/** Caller, with a token and a sign-in. */
export interface Asker {
  readonly token: string;
  readonly cookie: Call;
}

/** One option to try, with its value and template. */
export interface Try {
  readonly option: LaunchOption;
  readonly value: unknown;
  readonly templateId: string;
}

export type Outcome =
  | { readonly is: 'taken'; readonly value: unknown; readonly changed?: unknown; readonly beyond?: unknown }
  | { readonly is: 'refused'; readonly status: number; readonly text: string };

export type Door = (who: Asker, what: Try) => Promise<Outcome>;

/** Flag of the commands for each option, with its value. */
const flagOf: Readonly<Record<LaunchOption, (value: unknown) => string>> = {
  limit: (value) => `--limit=${value}`,
  tags: (value) => `--tags=${value}`,
  skipTags: (value) => `--skip-tags=${value}`,
  check: () => '--check',
  diff: () => '--diff',
  verbosity: (value) => `--verbosity=${value}`,
  terraformAction: (value) => `--action=${value}`,
  arguments: (value) => `--argument=${value}`,
  branch: (value) => `--branch=${value}`,
  commit: (value) => `--commit=${value}`,
  inventory: (value) => `--inventory=${value}`,
  environment: (value) => `--environment=${value}`,
  timeout: (value) => `--timeout=${Number(value) / 60_000}`,
  priority: (value) => `--priority=${value}`,
};

export const doorsOf = (api: ApiFixture, projectId: string): Readonly<Record<string, Door>> => {
  const base = `/api/projects/${projectId}`;

  const post = async <T extends object>(path: string, schema: z.ZodType<T>, call: Call) => {
    const response = await api.request('POST', `${base}/${path}`, call);
    const body: unknown = await response.json();
    return response.ok
      ? { made: schema.parse(body) }
      : {
          refused: {
            is: 'refused',
            status: response.status,
            text: JSON.stringify(problem.parse(body)),
          } as const,
        };
  };
  const start = async (call: Call, option: LaunchOption): Promise<Outcome> => {
    const { made, refused } = await post('tasks', task, call);
    return refused ?? { is: 'taken', value: givenValue(made, option), changed: made.changed };
  };
  const bodyOf = ({ option, value, templateId }: Try) => ({ templateId, ...nestValues([[option, value]]) });

  return {
    'the API by sign-in': ({ cookie }, what) => start({ ...cookie, body: bodyOf(what) }, what.option),
    'the API by token': ({ token }, what) => start({ token, body: bodyOf(what) }, what.option),

    'the command line': async ({ token }, { option, value, templateId }) => {
      const out: string[] = [];
      const nothing = { write: async () => undefined, isTerminal: false };
      const cli = createProgram({
        version: '0.0.0',
        env: {
          HOME: '/nowhere',
          REVEILLE_URL: api.deps.apiUrl,
          REVEILLE_TOKEN: token,
          REVEILLE_PROJECT: projectId,
        },
        terminal: {
          out: { ...nothing, write: async (text) => void out.push(text) },
          err: nothing,
          canAsk: false,
          readAll: async () => '',
          onInterrupt: () => () => undefined,
          now: () => 0,
          sleep: async () => undefined,
        },
        fetch: async (url, init) => api.app.request(String(url).replace(api.deps.apiUrl, ''), init),
        exitWith: () => undefined,
      });
      const args = ['task', 'run', templateId, '--json', flagOf[option](value)];
      const failure = await cli.parseAsync(args, { from: 'user' }).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failure) {
        const { status = 0, message } = z
          .object({ status: z.number().optional(), message: z.string() })
          .parse(failure);
        return { is: 'refused', status, text: message };
      }
      const made = task.parse(JSON.parse(out.join('')));
      return { is: 'taken', value: givenValue(made, option), changed: made.changed };
    },

    'a re-run of a task': async ({ token }, { option, value, templateId }) => {
      const its = template.parse(await api.call('GET', `${base}/templates/${templateId}`));
      const before = {
        ...nestValues([[option, value]]),
        changed: [option],
        id: 'tsk_01JCZ0000000000000000000AA',
        projectId,
        templateId,
        templateName: its.name,
        app: its.app,
        status: 'success',
        attempt: 1,
        createdAt: its.createdAt,
        createdBy: 'somebody',
      };
      const { values } = valuesAgain(its, task.parse(before));
      return start({ token, body: { templateId, ...nestValues([...values]) } }, option);
    },

    'a schedule': async ({ token }, what) => {
      const body = { name: crypto.randomUUID(), cron: '0 3 * * *', active: false, ...bodyOf(what) };
      const { made, refused } = await post('schedules', schedule, { token, body });
      return (
        refused ?? { is: 'taken', value: givenValue(made, what.option), beyond: made.beyondLaunchOptions }
      );
    },

    'an integration': async ({ token }, what) => {
      const body = { name: crypto.randomUUID(), ...bodyOf(what) };
      const { made, refused } = await post('integrations', integration, { token, body });
      return (
        refused ?? { is: 'taken', value: givenValue(made, what.option), beyond: made.beyondLaunchOptions }
      );
    },
  };
};
