/** Navigation: the projects, the pages of the open one, and the pages of the stack. */
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { projectsQuery } from '../data/projects.ts';
import { may, useMe } from '../data/session.ts';
import { Icon, type IconName, Logo } from '../ui/icons.tsx';
import { ThemeSwitch } from './theme-switch.tsx';

interface Entry {
  readonly to: string;
  readonly icon: IconName;
  readonly text: string;
  readonly isExact?: boolean;
}

const Entries = ({
  title,
  entries,
}: {
  readonly title: string;
  readonly entries: readonly Entry[];
}): ReactNode => (
  <div className="nav-group">
    <h2>{title}</h2>
    <ul>
      {entries.map(({ to, icon, text, isExact = false }) => (
        <li key={to}>
          <Link to={to} activeOptions={{ exact: isExact, includeSearch: false }}>
            <Icon name={icon} />
            {text}
          </Link>
        </li>
      ))}
    </ul>
  </div>
);

const watch = (path: string): Entry[] => [
  { to: path, icon: 'dashboard', text: 'Dashboard', isExact: true },
  { to: `${path}/tasks`, icon: 'tasks', text: 'Tasks' },
  { to: `${path}/runners`, icon: 'runners', text: 'Runners' },
  { to: `${path}/costs`, icon: 'costs', text: 'Costs' },
];
const configure = (path: string): Entry[] => [
  { to: `${path}/templates`, icon: 'templates', text: 'Templates' },
  { to: `${path}/schedules`, icon: 'schedules', text: 'Schedules' },
  { to: `${path}/integrations`, icon: 'integrations', text: 'Integrations' },
  { to: `${path}/inventories`, icon: 'inventories', text: 'Inventories' },
  { to: `${path}/repositories`, icon: 'repositories', text: 'Repositories' },
  { to: `${path}/keys`, icon: 'keys', text: 'Keys' },
  { to: `${path}/environments`, icon: 'environments', text: 'Environments' },
];

const NoProject = 'none';

const ProjectSwitch = ({ projectId }: { readonly projectId: string | undefined }): ReactNode => {
  const { data: projects } = useQuery(projectsQuery);
  const navigate = useNavigate();
  return (
    <label className="project-switch">
      <span>Project</span>
      <select
        value={projectId ?? NoProject}
        onChange={({ target }) =>
          navigate({ to: '/projects/$projectId', params: { projectId: target.value } })
        }
      >
        {projectId === undefined && <option value={NoProject}>Choose one</option>}
        {!projects && projectId && <option value={projectId}>…</option>}
        {projects?.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
};

export const Navigation = ({ projectId }: { readonly projectId: string | undefined }): ReactNode => {
  const who = useMe();
  const path = `/projects/${projectId}`;
  const isManager = may(who, projectId, 'manager');
  const isOwner = may(who, projectId, 'owner');
  const people: Entry[] = [
    { to: `${path}/members`, icon: 'members', text: 'Members' },
    ...(isManager
      ? [{ to: `${path}/deliveries`, icon: 'deliveries', text: 'Webhook deliveries' } as const]
      : []),
    ...(isOwner ? [{ to: `${path}/audit`, icon: 'audit', text: 'Audit trail' } as const] : []),
  ];
  const { data: projects } = useQuery(projectsQuery);
  const stack: Entry[] = [
    ...(who.isAdmin
      ? ([
          { to: '/projects', icon: 'projects', text: 'Projects', isExact: true },
          { to: '/runners', icon: 'globe', text: 'Global runners' },
          { to: '/people', icon: 'members', text: 'People' },
          { to: '/audit', icon: 'audit', text: 'Audit trail' },
        ] as const)
      : []),
    ...(projects && projects.length > 1
      ? [{ to: '/costs', icon: 'costs', text: 'Costs of all projects' } as const]
      : []),
    { to: '/account', icon: 'account', text: who.name },
  ];
  return (
    <nav className="navigation" aria-label="Main">
      <div className="row spread">
        <Link to="/" className="brand">
          <Logo />
          Reveille
        </Link>
        <ThemeSwitch />
      </div>
      <ProjectSwitch projectId={projectId} />
      {projectId && (
        <>
          <Entries title="Watch" entries={watch(path)} />
          <Entries title="Configure" entries={configure(path)} />
          <Entries title="Project" entries={people} />
        </>
      )}
      <Entries title={who.isAdmin ? 'Whole stack' : 'You'} entries={stack} />
    </nav>
  );
};
