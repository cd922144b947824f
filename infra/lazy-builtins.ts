/**
 * Lets a bundle load Node's modules without the exports that it does not use.
 *
 * An `import` of `node:http` reads every export, and the getter of `http.WebSocket` loads all of Node's
 * fetch: a tenth of the time in which a function loads. `require` reads an export when the code uses it.
 */
import type { Plugin } from 'esbuild';

/** Turns each `import` of a `node:` module into a `require`, which the bundle must define. */
export const lazyBuiltins: Plugin = {
  name: 'lazy-builtins',
  setup: ({ onLoad, onResolve }) => {
    onResolve({ filter: /^node:/ }, ({ path, kind }) =>
      kind === 'import-statement' ? { path, namespace: 'builtin', sideEffects: false } : undefined,
    );
    onLoad({ filter: /^/, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
      loader: 'js',
    }));
  },
};
