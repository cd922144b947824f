/** Rewrites a source once for all bundles that it goes into. */

export const remembered = (rewrite: (source: string) => string): ((source: string) => string) => {
  const results = new Map<string, string>();
  return (source) => {
    const known = results.get(source);
    if (known !== undefined) return known;
    const result = rewrite(source);
    results.set(source, result);
    return result;
  };
};
