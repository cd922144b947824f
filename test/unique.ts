/** Unique names for resources of a test: no two of a kind have the same name. */
let count = 0;

export const unique = (name: string): string => {
  count += 1;
  return `${name} ${count}`;
};
