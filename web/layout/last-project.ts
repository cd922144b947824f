/** Remembers the project that was viewed last, for the next visit. */
const key = 'reveille.project';

export const lastProject = {
  get: (): string | null => localStorage.getItem(key),
  set: (projectId: string): void => localStorage.setItem(key, projectId),
};
