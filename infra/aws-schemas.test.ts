import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { root } from '../local/template/synth.ts';
import { plainSchemaKeys, withPlainKeys } from './aws-schemas.ts';

describe('withPlainKeys', () => {
  it('replaces keys whose constants are strings of the source, and no other', () => {
    const source = 'const _xN = "xmlName";\nvar A = [0, { [_xN]: _i, [_n]: 1 }, [_xN]];\n';
    expect(withPlainKeys(source)).toBe(
      'const _xN = "xmlName";\nvar A = [0, { "xmlName": _i, [_n]: 1 }, [_xN]];\n',
    );
  });
});

describe('plainSchemaKeys', () => {
  it('leaves only the schemas of the used command in a bundle', async () => {
    const { outputFiles } = await build({
      stdin: {
        contents: "export { StartInstancesCommand } from '@aws-sdk/client-ec2';",
        resolveDir: root,
      },
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'node',
      mainFields: ['module', 'main'],
      plugins: [plainSchemaKeys],
    });
    const [{ text } = { text: '' }] = outputFiles;
    expect(text).toContain('"StartInstances"');
    expect(text).not.toContain('"StopInstances"');
    expect(text).not.toContain('"CreateVpc"');
  });
});
