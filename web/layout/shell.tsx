/** Frame around every page of a signed-in user: navigation at the side, on a phone behind a button. */
import { useQuery } from '@tanstack/react-query';
import { Outlet, useParams, useRouter, useRouterState } from '@tanstack/react-router';
import { type ReactNode, Suspense, useEffect, useRef } from 'react';
import type { Instant } from '../../protocol/index.ts';
import { useOutage } from '../data/outage.ts';
import { unreachable } from '../data/request.ts';
import { meQuery } from '../data/session.ts';
import { Icon, Logo } from '../ui/icons.tsx';
import { Loading } from '../ui/loaded.tsx';
import { Notice } from '../ui/notice.tsx';
import { Moment } from '../ui/time.tsx';
import { useKeptFocus } from './keep-focus.ts';
import { lastProject } from './last-project.ts';
import { Navigation } from './navigation.tsx';

const useOpenProject = (): string | undefined => {
  const { projectId } = useParams({ strict: false });
  useEffect(() => {
    if (projectId !== undefined) lastProject.set(projectId);
  }, [projectId]);
  return projectId;
};

/** Interval of checks whether the control plane is back, for pages that poll nothing. */
const probeMs = 5000;

/** Outage banner. Its live region is always present, so that screen readers announce what appears in it. */
const Outage = ({ since }: { readonly since: Instant | undefined }): ReactNode => (
  <div className="outage" role="status">
    {since && (
      <Notice kind="warn">
        {unreachable.message} The data shown is from before <Moment at={since} />.
      </Notice>
    )}
  </div>
);

export const Shell = (): ReactNode => {
  const outage = useOutage();
  const { data: who } = useQuery({ ...meQuery, refetchInterval: outage !== undefined && probeMs });
  const projectId = useOpenProject();
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const drawer = useRef<HTMLDialogElement>(null);
  const main = useRef<HTMLElement>(null);
  useKeptFocus(main);
  const shownPath = useRef(path);
  useEffect(() => {
    drawer.current?.close();
    // Users of a keyboard or screen reader continue where the new page begins.
    if (shownPath.current !== path) main.current?.focus({ preventScroll: true });
    shownPath.current = path;
  }, [path]);
  const router = useRouter();
  const isSignedOut = who === null;
  useEffect(() => {
    // The parent of all pages redirects to the sign-in page.
    if (isSignedOut) void router.invalidate();
  }, [isSignedOut, router]);
  if (!who) return <Loading />;
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header className="top-bar">
        <button
          type="button"
          className="button quiet icon-only"
          aria-label="Menu"
          onClick={() => drawer.current?.showModal()}
        >
          <Icon name="menu" />
        </button>
        <Logo />
        Reveille
      </header>
      <aside className="side">
        <Navigation projectId={projectId} />
      </aside>
      <dialog ref={drawer} className="drawer" aria-label="Menu">
        <button
          type="button"
          className="button quiet icon-only"
          aria-label="Close the menu"
          onClick={() => drawer.current?.close()}
        >
          <Icon name="close" />
        </button>
        <Navigation projectId={projectId} />
      </dialog>
      <main ref={main} id="main" tabIndex={-1}>
        <Outage since={outage} />
        <Suspense fallback={<Loading />}>
          <Outlet />
        </Suspense>
      </main>
    </div>
  );
};
