import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { readJsonFile } from './json.ts';
import { temporaryFolder } from './testing/fixture.ts';

const folder = temporaryFolder();
afterAll(folder.remove);
const read = (text: string) => {
  const path = join(folder.path, 'keys.json');
  writeFileSync(path, text);
  return readJsonFile(path, z.record(z.string(), z.string()));
};

describe('a JSON file', () => {
  it('returns its value', () => expect(read('{"a":"b"}')).toEqual({ a: 'b' }));

  it.each([
    ['not JSON', '{"a":', /keys\.json cannot be read:\n.*not JSON/],
    ['another value', '{"a":1}', /keys\.json cannot be read:\n.*\n.*at a$/],
  ])('names the file when it is %s', (_, text, expected) => expect(() => read(text)).toThrow(expected));
});
