import { describe, expect, it } from 'vitest';
import { readConfig, variables } from './config.ts';

describe('readConfig', () => {
  const schema = variables.pick({ TABLE_NAME: true, API_URL: true });

  it('returns the requested variables, and no others', () => {
    const env = { TABLE_NAME: 'reveille', API_URL: 'http://127.0.0.1:8787', HOME: '/root' };
    expect(readConfig(schema, env)).toEqual({ TABLE_NAME: 'reveille', API_URL: 'http://127.0.0.1:8787' });
  });

  it('names every missing or wrong variable, with its purpose', () => {
    const read = () => readConfig(schema, { API_URL: 'http://127.0.0.1:8787/' });
    expect(read).toThrow(/TABLE_NAME is not set \(The DynamoDB table/);
    expect(read).toThrow(/API_URL is wrong: must not end with a slash/);
  });

  it('describes every variable', () => {
    for (const [name, schema] of Object.entries(variables.shape)) {
      expect(schema.description, name).toBeTruthy();
    }
  });
});
