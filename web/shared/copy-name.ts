/** Returns "Deploy (copy)", or the first unused of "Deploy (copy 2)", "Deploy (copy 3)" and so on. */
export const copyName = (name: string, taken: readonly string[]): string => {
  const base = name.replace(/ \(copy(?: \d+)?\)$/, '');
  const numbered = (n: number): string => {
    const wanted = n === 1 ? `${base} (copy)` : `${base} (copy ${n})`;
    return taken.includes(wanted) ? numbered(n + 1) : wanted;
  };
  return numbered(1);
};
