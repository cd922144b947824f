/** Parts of a function that few of its calls need: their code is read when one is first needed. */

/**
 * Returns a function that makes a part once. `make` imports a module of ours, and not a package, of which all
 * would come along.
 *
 * @example
 * const sender = whenNeeded(async () => (await import('./sender.ts')).makeSender(url));
 * await (await sender()).send(message);
 */
export const whenNeeded = <Part>(make: () => Promise<Part>): (() => Promise<Part>) => {
  let made: Promise<Part> | undefined;
  return () => {
    made ??= make();
    return made;
  };
};
