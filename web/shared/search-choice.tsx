/** Choice by a search. Its code loads where there is too much to choose from a list. */
import { type ComponentProps, lazy, type ReactNode, Suspense } from 'react';

const SearchSelect = lazy(async () => ({
  default: (await import('../ui/search-select.tsx')).SearchSelect,
}));

export const SearchChoice = (props: ComponentProps<typeof SearchSelect>): ReactNode => (
  <Suspense fallback={<input disabled aria-label={props.label} value={props.chosen?.name ?? ''} />}>
    <SearchSelect {...props} />
  </Suspense>
);
