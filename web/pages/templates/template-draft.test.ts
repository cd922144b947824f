import { describe, expect, it } from 'vitest';
import { emptyTemplate, templateInput } from './template-draft.ts';

const inputOf = (extraVars: string) => templateInput({ ...emptyTemplate, app: 'ansible', extraVars });

describe('extra variables in the form of a template', () => {
  it('keep their types', () => {
    const extraVars = { release: 3, packages: ['a'], options: { x: null }, isCanary: false };
    expect(inputOf(JSON.stringify(extraVars))).toMatchObject({ ansible: { extraVars } });
  });

  it('go to the control plane as they are when they are no JSON', () => {
    expect(inputOf('{"release": ')).toMatchObject({ ansible: { extraVars: '{"release": ' } });
  });

  it('may be absent', () => {
    expect(inputOf(' ')).not.toHaveProperty('ansible.extraVars', expect.anything());
  });
});
