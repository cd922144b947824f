/** Pages of the console, for tests that visit all of them: axe, and the screenshots. */
import * as z from 'zod';
import { projectName } from '../../local/sample/index.ts';
import type { Client } from '../client.ts';

export interface Place {
  readonly name: string;
  readonly path: string;
  /** Text that is present only on this page. */
  readonly ready: string;
}

const projects = z.object({ items: z.array(z.looseObject({ id: z.string(), name: z.string() })) });
const list = z.object({ items: z.array(z.looseObject({ id: z.string() })) });
const tasks = z.object({ items: z.array(z.looseObject({ id: z.string(), status: z.string() })) });

/** Returns the pages of the sample's project, and those of the stack. */
export const placesOf = async (api: Pick<Client, 'call'>): Promise<Place[]> => {
  const all = projects.parse(await api.call('GET', '/api/projects')).items;
  const project = `projects/${all.find(({ name }) => name === projectName)?.id}`;
  const [runner] = list.parse(await api.call('GET', `/api/${project}/runners`)).items;
  const { items } = tasks.parse(await api.call('GET', `/api/${project}/tasks?status=success`));
  const inProject = (name: string, rest: string, ready: string): Place => ({
    name,
    path: `/${project}${rest}`,
    ready,
  });
  return [
    inProject('dashboard', '', 'Waiting, and why'),
    inProject('tasks', '/tasks', 'Success'),
    inProject('task', `/tasks/${items[0]?.id}`, 'Started by'),
    inProject('runners', '/runners', 'The machines that run this project’s tasks'),
    inProject('runner', `/runners/${runner?.id}`, 'The last 24 hours'),
    inProject('costs', '/costs', 'By template'),
    inProject('templates', '/templates', 'What to run, and where.'),
    inProject('inventories', '/inventories', 'The hosts that Ansible connects to'),
    inProject('repositories', '/repositories', 'Where playbooks, scripts'),
    inProject('keys', '/keys', 'Credentials for repositories and hosts.'),
    inProject('environments', '/environments', 'Variables, and secrets that travel'),
    inProject('schedules', '/schedules', 'Templates that start by the clock'),
    inProject('integrations', '/integrations', 'Secret URLs that start templates'),
    inProject('members', '/members', 'Roles in this project.'),
    inProject('deliveries', '/deliveries', 'Signed events about'),
    inProject('audit', '/audit', 'Each change in this project'),
    { name: 'project-costs', path: '/costs', ready: 'Costs of each project' },
    { name: 'projects', path: '/projects', ready: 'Each has its own runners' },
    { name: 'global-runners', path: '/runners', ready: 'They take the untagged tasks' },
    { name: 'people', path: '/people', ready: 'All users.' },
    { name: 'stack-audit', path: '/audit', ready: 'Sign-ins, and the changes' },
    { name: 'account', path: '/account', ready: 'Current password' },
    { name: 'welcome', path: '/welcome', ready: 'Four steps to a task that has run' },
  ];
};
