/** While a page is on its way. */
import type { ReactNode } from 'react';

export const Loading = (): ReactNode => (
  <div className="loading" role="status">
    <span className="only-heard">Loading</span>
  </div>
);
