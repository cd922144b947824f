/** The project that was looked at last, for the next visit. */
const key = 'reveille.project';

export const lastProject = {
  get: (): string | null => localStorage.getItem(key),
  set: (projectId: string): void => localStorage.setItem(key, projectId),
};
