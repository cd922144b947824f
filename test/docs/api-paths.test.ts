import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAst } from 'vite';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const production = '{cli,infra,lambdas,local,runner-agent,web}/**/*.{ts,tsx}';
const isTest = (file: string) => /\.test\.tsx?$|\/testing\//.test(file);
/** Spell paths without calling them: lines for people to paste, and a proxy's prefix. */
const exempt = ['local/welcome.ts', 'web/vite.config.ts'];

/** Finds texts that spell a path of the API, also within template literals; not EC2's `/latest/api/token`. */
const pathsIn = (source: string, lang: 'ts' | 'tsx'): string[] => {
  const found: string[] = [];
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    const { type, value } = node as { type?: unknown; value?: unknown };
    const text = type === 'TemplateElement' ? (value as { raw: string }).raw : value;
    const isText = type === 'Literal' || type === 'TemplateElement' || type === 'JSXText';
    if (isText && typeof text === 'string' && /(?<!latest)\/api\/(\w|$)/.test(text)) found.push(text);
    Object.values(node).forEach(visit);
  };
  visit(parseAst(source, { lang }));
  return found;
};

it('finds a path in a string, in a template literal and in JSX', () => {
  const source =
    "const a = '/api/me'; const b = `/api/projects/$" + '{a}/tasks`; const c = <a>see /api/docs</a>;';
  expect(pathsIn(source, 'tsx')).toEqual(['/api/me', '/api/projects/', 'see /api/docs']);
});

it('spells no path of the API outside the endpoint table', () => {
  const files = globSync(production, { cwd: root }).filter((file) => !isTest(file) && !exempt.includes(file));
  expect(files.length).toBeGreaterThan(500);
  const spelled = files.flatMap((file) =>
    pathsIn(readFileSync(join(root, file), 'utf8'), file.endsWith('x') ? 'tsx' : 'ts').map(
      (text) => `${file}: ${text}`,
    ),
  );
  expect(spelled).toEqual([]);
});
