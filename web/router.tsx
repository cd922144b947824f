/** Routes of all pages. Each page is a separate chunk, loaded when it is first opened. */
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
  stripSearchParams,
} from '@tanstack/react-router';
import type { ReactNode } from 'react';
import * as z from 'zod';
import { instant, taskStatus } from '../protocol/index.ts';
import { queryClient } from './data/cache.ts';
import { projectsQuery } from './data/projects.ts';
import { meQuery, setupQuery } from './data/session.ts';
import { lastProject } from './layout/last-project.ts';
import { NotFound } from './layout/not-found.tsx';
import { Problem } from './layout/problem.tsx';
import { Shell } from './layout/shell.tsx';
import { Loading } from './ui/loaded.tsx';

const root = createRootRoute({ notFoundComponent: NotFound });

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: z.object({ to: z.string().optional().catch(undefined) }),
  beforeLoad: async () => {
    const { isSetUp } = await queryClient.ensureQueryData(setupQuery);
    if (!isSetUp) throw redirect({ to: '/setup', hash: true });
  },
  component: lazyRouteComponent(() => import('./pages/sign-in/sign-in.tsx'), 'SignInPage'),
});
const setup = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  component: lazyRouteComponent(() => import('./pages/sign-in/setup.tsx'), 'SetupPage'),
});
const invitation = createRoute({
  getParentRoute: () => root,
  path: '/invitation',
  component: lazyRouteComponent(() => import('./pages/sign-in/invitation.tsx'), 'InvitationPage'),
});

/** Parent of all routes that require a signed-in user. */
const signedIn = createRoute({
  getParentRoute: () => root,
  id: 'signed-in',
  component: Shell,
  beforeLoad: async ({ location }) => {
    const who = await queryClient.ensureQueryData(meQuery);
    if (!who) throw redirect({ to: '/sign-in', search: location.href === '/' ? {} : { to: location.href } });
  },
});

const home = createRoute({
  getParentRoute: () => signedIn,
  path: '/',
  beforeLoad: async () => {
    const projects = await queryClient.ensureQueryData(projectsQuery);
    const project = projects.find(({ id }) => id === lastProject.get()) ?? projects[0];
    throw project
      ? redirect({ to: '/projects/$projectId', params: { projectId: project.id } })
      : redirect({ to: '/welcome' });
  },
});

const page = <const P extends string, T extends Record<string, () => ReactNode>>(
  path: P,
  load: () => Promise<T>,
  name: keyof T & string,
) => createRoute({ getParentRoute: () => signedIn, path, component: lazyRouteComponent(load, name) });

const text = z.string().optional().catch(undefined);

/** Page with a list that can be searched. */
const listPage = <const P extends string, T extends Record<string, () => ReactNode>>(
  path: P,
  load: () => Promise<T>,
  name: keyof T & string,
) =>
  createRoute({
    getParentRoute: () => signedIn,
    path,
    validateSearch: z.object({ q: text }),
    component: lazyRouteComponent(load, name),
  });

const runnerSearch = z.object({ q: text, status: text, tag: text });
const runners = createRoute({
  getParentRoute: () => signedIn,
  path: '/projects/$projectId/runners',
  validateSearch: runnerSearch,
  component: lazyRouteComponent(() => import('./pages/runners/runners.tsx'), 'RunnersPage'),
});
const globalRunners = createRoute({
  getParentRoute: () => signedIn,
  path: '/runners',
  validateSearch: runnerSearch,
  component: lazyRouteComponent(() => import('./pages/runners/runners.tsx'), 'GlobalRunnersPage'),
});

const taskSearch = z.object({
  status: taskStatus.optional().catch(undefined),
  templateId: text,
  runnerId: text,
  createdBy: text,
  tag: text,
  q: text,
});

const tasks = createRoute({
  getParentRoute: () => signedIn,
  path: '/projects/$projectId/tasks',
  validateSearch: taskSearch,
  component: lazyRouteComponent(() => import('./pages/tasks/tasks.tsx'), 'TasksPage'),
});
const auditSearch = z.object({
  actor: text,
  kind: text,
  object: text,
  from: instant.optional().catch(undefined),
  to: instant.optional().catch(undefined),
});
const audit = createRoute({
  getParentRoute: () => signedIn,
  path: '/projects/$projectId/audit',
  validateSearch: auditSearch,
  component: lazyRouteComponent(() => import('./pages/audit/audit.tsx'), 'AuditPage'),
});
const stackAudit = createRoute({
  getParentRoute: () => signedIn,
  path: '/audit',
  validateSearch: auditSearch,
  component: lazyRouteComponent(() => import('./pages/audit/audit.tsx'), 'StackAuditPage'),
});
const taskDefaults = { attempt: undefined };
const task = createRoute({
  getParentRoute: () => signedIn,
  path: '/projects/$projectId/tasks/$taskId',
  validateSearch: z.object({ attempt: z.number().int().min(1).optional().catch(undefined) }),
  search: { middlewares: [stripSearchParams(taskDefaults)] },
  component: lazyRouteComponent(() => import('./pages/tasks/task.tsx'), 'TaskPage'),
});

const inProject = '/projects/$projectId';
const pages = [
  page('/welcome', () => import('./pages/sign-in/welcome.tsx'), 'WelcomePage'),
  page(inProject, () => import('./pages/dashboard/dashboard.tsx'), 'DashboardPage'),
  page(`${inProject}/runners/$runnerId`, () => import('./pages/runners/runner.tsx'), 'RunnerPage'),
  page(`${inProject}/costs`, () => import('./pages/costs/costs.tsx'), 'CostsPage'),
  page(`${inProject}/members`, () => import('./pages/members/members.tsx'), 'MembersPage'),
  page(`${inProject}/deliveries`, () => import('./pages/deliveries/deliveries.tsx'), 'DeliveriesPage'),
  page('/costs', () => import('./pages/costs/project-costs.tsx'), 'ProjectCostsPage'),
  page('/projects', () => import('./pages/projects/projects.tsx'), 'ProjectsPage'),
  page('/runners/$runnerId', () => import('./pages/runners/runner.tsx'), 'GlobalRunnerPage'),
  page('/people', () => import('./pages/people/people.tsx'), 'PeoplePage'),
  page('/account', () => import('./pages/account/account.tsx'), 'AccountPage'),
];
const lists = [
  listPage(`${inProject}/templates`, () => import('./pages/templates/templates.tsx'), 'TemplatesPage'),
  listPage(
    `${inProject}/inventories`,
    () => import('./pages/inventories/inventories.tsx'),
    'InventoriesPage',
  ),
  listPage(
    `${inProject}/repositories`,
    () => import('./pages/repositories/repositories.tsx'),
    'RepositoriesPage',
  ),
  listPage(`${inProject}/keys`, () => import('./pages/keys/keys.tsx'), 'KeysPage'),
  listPage(
    `${inProject}/environments`,
    () => import('./pages/environments/environments.tsx'),
    'EnvironmentsPage',
  ),
  listPage(`${inProject}/schedules`, () => import('./pages/schedules/schedules.tsx'), 'SchedulesPage'),
  listPage(
    `${inProject}/integrations`,
    () => import('./pages/integrations/integrations.tsx'),
    'IntegrationsPage',
  ),
];

export const router = createRouter({
  routeTree: root.addChildren([
    signIn,
    setup,
    invitation,
    signedIn.addChildren([home, tasks, task, runners, globalRunners, audit, stackAudit, ...pages, ...lists]),
  ]),
  defaultPreload: 'intent',
  defaultPendingComponent: Loading,
  defaultErrorComponent: ({ error }: { readonly error: unknown }) => <Problem error={error} />,
  defaultPendingMs: 200,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
