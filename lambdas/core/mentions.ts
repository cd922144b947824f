/** Returns true when one of the texts contains `search`, in any case. */
export const mentions = (texts: readonly (string | undefined)[], search: string): boolean => {
  const wanted = search.toLowerCase();
  return texts.some((text) => text?.toLowerCase().includes(wanted));
};

const searched = ['id', 'name', 'description', 'tag', 'path', 'url'] as const;

/** Fields of a resource, schedule, integration or runner that a search in its list looks at. */
export type Searched = { readonly [Field in (typeof searched)[number]]?: string } & {
  readonly tags?: readonly string[];
};

/** Returns true when a listed object matches a search; without one, each does. */
export const isFound = (one: Searched, search: string | undefined): boolean =>
  search === undefined || mentions([...searched.map((field) => one[field]), ...(one.tags ?? [])], search);
