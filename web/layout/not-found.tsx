/** Page for unknown addresses. */
import type { ReactNode } from 'react';
import { Icon } from '../ui/icons.tsx';

export const NotFound = (): ReactNode => (
  <main className="empty">
    <Icon name="search" />
    <h1>There is no such page</h1>
    <p>The address may be mistyped, or what it led to was removed.</p>
    <a className="button primary" href="/">
      Go to the start
    </a>
  </main>
);
