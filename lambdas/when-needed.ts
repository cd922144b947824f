/** Parts of a function that few of its calls need: their code is read when it is first called. */

/**
 * Returns a function that `load` imports and makes at the first call. `load` imports a module of ours: of a
 * package, the whole package would come along.
 *
 * @example
 * const send = whenNeeded(async () => (await import('./sender.ts')).makeSender(url));
 */
export const whenNeeded = <Args extends readonly unknown[], Result>(
  load: () => Promise<(...args: Args) => Promise<Result>>,
): ((...args: Args) => Promise<Result>) => {
  let loaded: ReturnType<typeof load> | undefined;
  return async (...args) => {
    loaded ??= load();
    return (await loaded)(...args);
  };
};
