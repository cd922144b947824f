import { expect, it } from 'vitest';
import { withoutDocs } from './calls-only.ts';

it('leaves method, path and answers of an endpoint, without their descriptions', () => {
  const code = `const get = endpoint({
  operationId: 'getKey', method: 'get', path: '/keys/{keyId}', summary: 'Get a key',
  ...(note && { description: note }),
  request: { params: inKey }, responses: { 200: answer('The key', key) }, problems: ['in_use'] });`;
  expect(withoutDocs(code).replaceAll(/\s+/g, ' ')).toBe(
    "const get = endpoint({ method: 'get', path: '/keys/{keyId}', ...(note && { description: note }), responses: { 200: answer('', key) }, });",
  );
});

it('leaves other calls as they are', () => {
  const code =
    "const schema = z.object({ summary: z.string(), description: z.string() }).meta({ id: 'Key' });";
  expect(withoutDocs(code)).toBe(code);
});
