import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { root } from '../local/template/synth.ts';
import { slimPackages } from './slim-packages.ts';

const bundled = async (contents: string): Promise<string> => {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    mainFields: ['module', 'main'],
    plugins: [slimPackages],
  });
  return outputFiles[0]?.text ?? '';
};

it('leaves only the English messages of zod', async () => {
  const text = await bundled("import * as z from 'zod'; export default z;");
  expect(text).toContain('Invalid input');
  expect(text).not.toContain('Ungültige Eingabe');
});

it("leaves only the version of an SDK client's package.json", async () => {
  const text = await bundled("export { SQSClient } from '@aws-sdk/client-sqs';");
  expect(text).toMatch(/version: "3\.\d+\.\d+"/);
  expect(text).not.toContain('"devDependencies"');
  expect(text).not.toContain('devDependencies:');
});
