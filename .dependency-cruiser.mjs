/** Allowed imports between folders (docs/contributing/architecture.md): `npm run check:arrows` checks them. */
const folder = (name) => `^${name}/`;
const libraries = '(^|/)node_modules/';
const tests = '\\.test\\.ts$|/testing\\.ts$|/testing/';
const functions = '^lambdas/(?!core/|adapters/|flows/)([^/]+)/';

/** What `from` imports beyond `allowed` is an error. */
const only = (from, allowed, name) => ({
  name,
  severity: 'error',
  from: { path: from, pathNot: tests },
  to: { pathNot: [...allowed, '^aws-lambda$'], dependencyTypesNot: ['core', 'npm', 'npm-dev', 'npm-no-pkg'] },
});

export default {
  forbidden: [
    only('^protocol/', ['^protocol/'], 'protocol-imports-nothing-of-ours'),
    only('^lambdas/core/', ['^lambdas/core/', '^protocol/'], 'core-imports-only-protocol'),
    only(
      '^lambdas/adapters/',
      ['^lambdas/(core|adapters)/', '^protocol/'],
      'adapters-import-core-and-protocol',
    ),
    only('^lambdas/flows/', ['^lambdas/(core|adapters|flows)/', '^protocol/'], 'flows-know-no-function'),
    only('^lambdas/', ['^lambdas/', '^protocol/'], 'lambdas-stay-among-themselves'),
    only('^runner-agent/', ['^runner-agent/', '^protocol/'], 'agent-imports-only-protocol'),
    only('^cli/', ['^cli/', '^protocol/'], 'cli-imports-only-protocol'),
    only('^web/', ['^web/', '^protocol/'], 'console-imports-only-protocol'),
    only('^infra/', ['^infra/'], 'infra-imports-nothing-of-ours'),
    only('^local/(?!sample/)', ['^local/'], 'local-knows-only-what-infra-puts-out'),
    only(
      '^local/sample/',
      ['^local/', '^lambdas/(core|adapters|flows)/', '^protocol/'],
      'the-sample-lives-its-past-by-the-flows',
    ),
    {
      name: 'core-is-pure',
      comment:
        'No AWS, no I/O: the core decides, the adapters do. croner, cronstrue and yaml compute and no more.',
      severity: 'error',
      from: { path: folder('lambdas/core'), pathNot: tests },
      to: { path: libraries, pathNot: 'node_modules/(zod|croner|cronstrue|yaml)/' },
    },
    {
      name: 'flows-know-no-aws',
      severity: 'error',
      from: { path: folder('lambdas/flows'), pathNot: tests },
      to: { path: 'node_modules/@aws-sdk/' },
    },
    {
      name: 'functions-dont-import-functions',
      severity: 'error',
      from: { path: functions, pathNot: tests },
      to: { path: functions, pathNot: '^lambdas/$1/' },
    },
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|web/dist|cdk\\.out)/' },
    parser: 'swc',
    enhancedResolveOptions: {
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
};
