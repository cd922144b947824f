/** Collects what the API under test has returned: ids, each with its project, and secrets by field name. */
export interface KnownId {
  readonly id: string;
  readonly projectId?: string;
}

/** Beyond this number the entries would only be older. */
const keptPerKind = 60;
const harvested = ['lease', 'token', 'session', 'nextCursor'];

export type Pool = ReturnType<typeof makePool>;

/** `never`: ids that must not be used, as the fuzzer itself depends on them. */
export const makePool = (never: ReadonlySet<string>) => {
  const byPrefix = new Map<string, KnownId[]>();
  const values = new Map<string, string[]>();
  const bodies = new Map<string, unknown[]>();

  const keep = <T>(list: T[] | undefined, one: T): T[] => [...(list ?? []), one].slice(-keptPerKind);

  const add = (id: string, projectId: string | undefined): void => {
    const prefix = id.slice(0, 3);
    const known = byPrefix.get(prefix);
    if (never.has(id) || known?.some((one) => one.id === id)) return;
    byPrefix.set(prefix, keep(known, { id, projectId }));
  };

  /** Collects the ids and secrets of a response. */
  const harvest = (value: unknown, projectId: string | undefined): void => {
    if (Array.isArray(value)) {
      for (const one of value) harvest(one, projectId);
      return;
    }
    if (typeof value !== 'object' || value === null) return;
    const fields = new Map<string, unknown>(Object.entries(value));
    const own = fields.get('projectId');
    const itsProject = typeof own === 'string' ? own : projectId;
    const [id, url] = [fields.get('id'), fields.get('url')];
    if (typeof id === 'string' && id.startsWith('int_') && typeof url === 'string') {
      // The secret is the last part of the URL, which only this response shows.
      values.set(`secret of ${id}`, [url.split('/').at(-1) ?? '']);
    }
    for (const [name, one] of fields) {
      if (name === 'id' && typeof one === 'string') add(one, one.startsWith('prj_') ? one : itsProject);
      else if (typeof one === 'string' && harvested.includes(name))
        values.set(name, keep(values.get(name), one));
      else harvest(one, itsProject);
    }
  };

  return {
    harvest,
    add,
    addValue: (name: string, value: string) => void values.set(name, keep(values.get(name), value)),
    /** Keeps a body that an operation has accepted. */
    addBody: (operationId: string, body: unknown) =>
      void bodies.set(operationId, keep(bodies.get(operationId), body)),
    bodies: (operationId: string): readonly unknown[] => bodies.get(operationId) ?? [],
    known: (prefix: string): readonly KnownId[] => byPrefix.get(prefix) ?? [],
    values: (name: string): readonly string[] => values.get(name) ?? [],
  };
};
