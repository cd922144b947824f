import { expect, it } from 'vitest';
import { endpoints } from './index.ts';

it('has exactly the methods and paths of wire.txt: a change there is a change of the wire', async () => {
  const wire = endpoints.map(({ method, path }) => `${method.toUpperCase()} ${path}\n`);
  await expect(wire.sort().join('')).toMatchFileSnapshot('wire.txt');
});

it('gives each endpoint an operation id of its own', () => {
  const ids = endpoints.map(({ operationId }) => operationId);
  expect(new Set(ids).size).toBe(ids.length);
});

it('describes each parameter of a path, and no other', () => {
  for (const { operationId, path, request } of endpoints) {
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    expect(Object.keys(request?.params?.shape ?? {}), operationId).toEqual(named);
  }
});
