/** Object of an audit event: its name, with a link to its page or list. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { type AuditEvent, readTarget } from '../../../protocol/index.ts';

const projectLists = {
  templates: '/projects/$projectId/templates',
  inventories: '/projects/$projectId/inventories',
  repositories: '/projects/$projectId/repositories',
  keys: '/projects/$projectId/keys',
  environments: '/projects/$projectId/environments',
  schedules: '/projects/$projectId/schedules',
  integrations: '/projects/$projectId/integrations',
  members: '/projects/$projectId/members',
  invitations: '/projects/$projectId/members',
  'api-tokens': '/projects/$projectId/members',
  deliveries: '/projects/$projectId/deliveries',
  projects: '/projects/$projectId',
} as const;

const stackLists = { users: '/people', 'api-tokens': '/people' } as const;

const isKindOf = <T extends object>(lists: T, kind: string): kind is Extract<keyof T, string> =>
  Object.hasOwn(lists, kind);

/** Kinds that have events in a trail, as in paths. */
export const kindsIn = (projectId: string | undefined): string[] =>
  projectId === undefined
    ? ['projects', 'runners', 'registration-tokens', 'sign-in-provider', 'login', ...Object.keys(stackLists)]
    : ['tasks', 'runners', 'registration-tokens', ...Object.keys(projectLists)];

const kindNames: Readonly<Record<string, string>> = {
  'api-tokens': 'API tokens',
  deliveries: 'Webhook deliveries',
  login: 'Sign-ins',
  users: 'People',
};

export const kindText = (kind: string): string =>
  kindNames[kind] ?? kind.charAt(0).toUpperCase() + kind.slice(1).replaceAll('-', ' ');

interface LinkProps {
  readonly event: AuditEvent;
  readonly projectId: string | undefined;
  readonly children: ReactNode;
}

const ObjectLink = ({ event, projectId, children }: LinkProps): ReactNode => {
  const { kind, id } = event.object ?? readTarget(event.target);
  const isRemoved = /^(remove|unregister|delete)/.test(event.operation);
  if (kind === 'projects' && id !== undefined && projectId === undefined)
    return (
      // The audit trail of a project outlives the project.
      <Link to={isRemoved ? '/projects/$projectId/audit' : '/projects/$projectId'} params={{ projectId: id }}>
        {children}
      </Link>
    );
  if (isRemoved) return children;
  if (projectId === undefined) {
    if (kind === 'runners' && id !== undefined)
      return (
        <Link to="/runners/$runnerId" params={{ runnerId: id }}>
          {children}
        </Link>
      );
    return isKindOf(stackLists, kind) ? <Link to={stackLists[kind]}>{children}</Link> : children;
  }
  if (kind === 'tasks' && id !== undefined)
    return (
      <Link to="/projects/$projectId/tasks/$taskId" params={{ projectId, taskId: id }} search={{}}>
        {children}
      </Link>
    );
  if (kind === 'runners' && id !== undefined)
    return (
      <Link to="/projects/$projectId/runners/$runnerId" params={{ projectId, runnerId: id }}>
        {children}
      </Link>
    );
  return isKindOf(projectLists, kind) ? (
    <Link to={projectLists[kind]} params={{ projectId }}>
      {children}
    </Link>
  ) : (
    children
  );
};

interface ObjectProps {
  readonly event: AuditEvent;
  readonly projectId: string | undefined;
  /** Names for events of version 0.1.0; undefined while they load. */
  readonly names: ReadonlyMap<string, string> | undefined;
}

/** Shows the object's name. Without one, a task shows its id and any other object its path. */
export const AuditObject = ({ event, projectId, names }: ObjectProps): ReactNode => {
  const { kind, id, path } = { ...readTarget(event.target), ...event.object };
  const isTask = kind === 'tasks' && id !== undefined;
  const name = event.object?.name ?? (id === undefined ? undefined : names?.get(id));
  const isKnown = event.object !== undefined || isTask || names !== undefined;
  return (
    <>
      {isKnown && (
        <ObjectLink event={event} projectId={projectId}>
          {name ?? <span className="mono break">{isTask ? id : path}</span>}
        </ObjectLink>
      )}
      {isTask && name && <span className="sub mono">{id}</span>}
      {event.secrets && <span className="sub">secrets of {event.secrets.join(', ')}</span>}
    </>
  );
};
