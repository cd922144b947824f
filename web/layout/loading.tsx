/** Placeholder while a page loads. */
import type { ReactNode } from 'react';

export const Loading = (): ReactNode => (
  <div className="loading" role="status">
    <span className="only-heard">Loading</span>
  </div>
);
