/** The reference page: the OpenAPI document as plain HTML, rendered on the server, without a script. */

import { html, raw } from 'hono/html';
import * as z from 'zod';
import { getDocument } from '../../protocol/endpoints/service.ts';
import type { Document } from './document.ts';

/** The parts of the document that the page reads; the rest is for machines. */
const parameter = z.object({
  name: z.string(),
  in: z.string(),
  required: z.boolean().optional(),
  schema: z.unknown(),
});
const content = z.record(z.string(), z.object({ schema: z.unknown() }));
const operation = z.object({
  operationId: z.string(),
  summary: z.string(),
  description: z.string().optional(),
  tags: z.array(z.string()),
  security: z.array(z.record(z.string(), z.unknown())),
  parameters: z.array(parameter).default([]),
  requestBody: z.object({ content }).optional(),
  responses: z.record(z.string(), z.object({ description: z.string(), content: content.optional() })),
});
type Operation = z.infer<typeof operation> & { method: string; path: string };
const methods = ['get', 'post', 'put', 'delete'] as const;

const operationsOf = (document: Document): Operation[] =>
  Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const found = item[method];
      return found ? [{ ...operation.parse(found), method, path }] : [];
    }),
  );

const shape = z.object({
  $ref: z.string().optional(),
  type: z.string().optional(),
  description: z.string().optional(),
  enum: z.array(z.unknown()).optional(),
  items: z.unknown().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  additionalProperties: z.unknown().optional(),
  required: z.array(z.string()).default([]),
  oneOf: z.array(z.unknown()).optional(),
  anyOf: z.array(z.unknown()).optional(),
  default: z.unknown().optional(),
});

type Html = ReturnType<typeof html>;

/** Names a schema in a word or two: "string", "Template", "Template[]". */
const typeOf = (schema: unknown): Html | string => {
  const one = shape.safeParse(schema).data;
  if (!one) return 'any';
  if (one.$ref) {
    const name = one.$ref.split('/').at(-1) ?? '';
    return html`<a href="#${name}">${name}</a>`;
  }
  const choice = one.oneOf ?? one.anyOf;
  if (choice) return html`${choice.map((each, index) => html`${index > 0 ? ' or ' : ''}${typeOf(each)}`)}`;
  if (one.enum) return one.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (one.items) return html`${typeOf(one.items)}[]`;
  return one.type ?? 'any';
};

const renderRows = (schema: unknown): Html => {
  const one = shape.parse(schema);
  const choice = one.oneOf ?? one.anyOf;
  if (choice) return html`${choice.map((each) => renderRows(each))}`;
  const rows = Object.entries(one.properties ?? {}).map(([name, property]) => {
    const { description, default: otherwise } = shape.parse(property);
    return html`<tr>
      <td><code>${name}</code>${one.required.includes(name) ? '' : html` <small>optional</small>`}</td>
      <td>${typeOf(property)}</td>
      <td>${description ?? ''}${otherwise === undefined ? '' : html` <small>default ${JSON.stringify(otherwise)}</small>`}</td>
    </tr>`;
  });
  return rows.length === 0 ? html`` : html`<table>${rows}</table>`;
};

const renderBody = (all: z.infer<typeof content> | undefined): Html =>
  html`${Object.entries(all ?? {}).map(([type, { schema }]) => {
    const inline = shape.safeParse(schema).data;
    return html`<p>${typeOf(schema)} <small>${type}</small></p>
      ${inline?.properties || inline?.oneOf ? renderRows(schema) : ''}`;
  })}`;

const anchorOf = (tag: string): string => `tag-${tag.replaceAll(' ', '-').toLowerCase()}`;

/** Renders text with `code` in back-quotes. */
const prose = (text: string): Html =>
  html`${text.split('`').map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part))}`;

const renderOperation = (one: Operation): Html => html`<details id="${one.operationId}">
  <summary><b class="${one.method}">${one.method.toUpperCase()}</b> <code>${one.path}</code> ${one.summary}</summary>
  ${one.description ? html`<p>${prose(one.description)}</p>` : ''}
  <p>Token: ${one.security.flatMap(Object.keys).join(', ') || 'none'}</p>
  ${
    one.parameters.length > 0
      ? html`<h4>Parameters</h4><table>${one.parameters.map(
          (each) => html`<tr>
            <td><code>${each.name}</code>${each.required ? '' : html` <small>optional</small>`}</td>
            <td>${each.in}</td><td>${typeOf(each.schema)}</td></tr>`,
        )}</table>`
      : ''
  }
  ${one.requestBody ? html`<h4>Body</h4>${renderBody(one.requestBody.content)}` : ''}
  <h4>Answers</h4>
  <table>${Object.entries(one.responses).map(
    ([status, response]) => html`<tr><td><code>${status}</code></td><td>${prose(response.description)}
      ${Number(status) < 300 ? renderBody(response.content) : ''}</td></tr>`,
  )}</table>
</details>`;

const style = `
:root { color-scheme: light dark; --line: light-dark(#d8dee6, #333b45); --soft: light-dark(#f4f6f9, #1a1f26); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1.5rem;
  background: light-dark(#fff, #12161b); color: light-dark(#1c2430, #dbe2ea); }
a { color: light-dark(#0b5bd3, #7db4ff); } h2 { margin-top: 2.5rem; } h4 { margin: 1rem 0 .25rem; }
nav { display: flex; flex-wrap: wrap; gap: .4rem .8rem; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; padding: .5rem .8rem; }
summary { cursor: pointer; } summary code { margin: 0 .5rem; } code { font-size: .9em; overflow-wrap: anywhere; }
b { display: inline-block; min-width: 4.2rem; font-size: .8em; }
.get { color: light-dark(#0b6e4f, #5fd3a8); } .post { color: light-dark(#0b5bd3, #7db4ff); }
.put { color: light-dark(#8a5a00, #f0b95a); } .delete { color: light-dark(#b3261e, #ff8a80); }
table { border-collapse: collapse; width: 100%; } td { border-top: 1px solid var(--line); padding: .3rem .6rem .3rem 0;
  vertical-align: top; } small { opacity: .7; } section > div { background: var(--soft); border-radius: 6px; padding: .5rem .8rem; margin: .5rem 0; }
`;

export const renderReference = (document: Document) => {
  const operations = operationsOf(document);
  const tags = document.tags ?? [];
  const schemas = Object.entries(document.components?.schemas ?? {});
  return html`<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
  <title>${document.info.title} API</title><style>${raw(style)}</style>
</head>
<body>
  <h1>${document.info.title} API</h1>
  <p>${prose(document.info.description ?? '')} For machines: <a href="${getDocument.path}">openapi.json</a>.</p>
  <nav>${tags.map((tag) => html`<a href="#${anchorOf(tag.name)}">${tag.name}</a>`)}<a href="#schemas">Schemas</a></nav>
  ${tags.map(
    (tag) => html`<section id="${anchorOf(tag.name)}"><h2>${tag.name}</h2><p>${tag.description ?? ''}</p>
      ${operations.filter((one) => one.tags.includes(tag.name)).map(renderOperation)}</section>`,
  )}
  <section id="schemas"><h2>Schemas</h2>
    ${schemas.map(([name, schema]) => html`<div id="${name}"><h3>${name}</h3>${renderRows(schema)}</div>`)}
  </section>
</body>
</html>`;
};
