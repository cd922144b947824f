import { describe, expect, it } from 'vitest';
import { auditChanges } from './audit-changes.ts';

describe('auditChanges', () => {
  it('lists each changed field with its old and new value', () => {
    const before = { name: 'A', tag: 'x', ansible: { limit: 'staging', forks: 5 }, tags: ['a'] };
    const after = { name: 'B', timeoutMs: 5, ansible: { limit: 'production', forks: 5 }, tags: ['a', 'b'] };
    expect(auditChanges(before, after, after)).toEqual({
      changes: [
        { field: 'name', from: 'A', to: 'B' },
        { field: 'tag', from: 'x' },
        { field: 'ansible.limit', from: 'staging', to: 'production' },
        { field: 'tags', from: '["a"]', to: '["a","b"]' },
        { field: 'timeoutMs', to: '5' },
      ],
    });
  });

  it('names a secret field of the body without its value', () => {
    const shown = { name: 'A', secretNames: ['TOKEN'] };
    const body = { name: 'A', secrets: { TOKEN: 'hunter2', OLD: null }, secretFiles: {} };
    expect(auditChanges(shown, shown, body)).toEqual({
      changes: [
        { field: 'secrets.TOKEN', isSecret: true },
        { field: 'secrets.OLD', isSecret: true },
      ],
    });
  });

  it('cuts a long text around its first difference', () => {
    const script = 'echo line\n'.repeat(200);
    const [change] = auditChanges({ script }, { script: `${script}rm -r build` }, {}).changes;
    expect(change?.to).toBe(`…${script.slice(-20)}rm -r build`);
    const [made] = auditChanges({}, { script }, {}).changes;
    expect(made?.to).toBe(`${script.slice(0, 200)}…`);
  });

  it('returns at most 50 changes and 8 KB, and counts the rest', () => {
    const short = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`V${n}`, 'x']));
    const some = auditChanges({}, short, {});
    expect([some.changes.length, some.moreChanges]).toEqual([50, 10]);
    const long = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`V${n}`, '€'.repeat(300)]));
    const few = auditChanges({}, long, {});
    expect(Buffer.byteLength(JSON.stringify(few.changes))).toBeLessThan(8400);
    expect(few.changes.length + (few.moreChanges ?? 0)).toBe(60);
  });
});
