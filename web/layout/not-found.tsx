/** Page for unknown addresses. */
import type { ReactNode } from 'react';
import { Icon } from '../ui/icons.tsx';

export const NotFound = (): ReactNode => (
  <main className="empty">
    <Icon name="search" />
    <h1>Page not found</h1>
    <p>The address may be mistyped, or the page was removed.</p>
    <a className="button primary" href="/">
      Go to the start page
    </a>
  </main>
);
