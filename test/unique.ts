/** Names for what a test makes several of: no two things of a kind have the same name. */
let count = 0;

export const unique = (name: string): string => {
  count += 1;
  return `${name} ${count}`;
};
