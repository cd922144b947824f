/** Requests of an operation: right ones, wrong ones, and forbidden ones. */
import fc from 'fast-check';
import type { Operation } from './document.ts';
import type { Pool } from './pool.ts';
import { fitting, nearly, type Sources, sometimes, wildText, withHardNumber } from './schema-arbitrary.ts';

export interface FuzzRequest {
  readonly operationId: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Credentials by the names of the document's security schemes; `others` are valid ones of another person. */
export interface Credentials {
  readonly byScheme: Readonly<Record<string, readonly string[]>>;
  readonly others: readonly string[];
}

const prefixes: Readonly<Record<string, string>> = {
  projectId: 'prj',
  templateId: 'tpl',
  inventoryId: 'inv',
  repositoryId: 'rep',
  keyId: 'key',
  environmentId: 'env',
  scheduleId: 'sch',
  integrationId: 'int',
  runnerId: 'run',
  taskId: 'tsk',
  deliveryId: 'msg',
  userId: 'usr',
  invitationId: 'ivt',
  apiTokenId: 'tok',
  registrationTokenId: 'reg',
};

/** Chooses ids for the path, which belong together most of the time. */
const pathOf = (
  { path, parameters }: Operation,
  pool: Pool,
  sources: Sources,
): fc.Arbitrary<{ path: string; projectId: string | undefined }> => {
  const names = parameters.filter((one) => one.in === 'path').map(({ name }) => name);
  const deepest = names.findLast((name) => name !== 'projectId' && prefixes[name]) ?? 'projectId';
  const candidates = pool.known(prefixes[deepest] ?? '');
  const right = fc.constantFrom(...(candidates.length > 0 ? candidates : [{ id: 'prj_none' }])).map((one) => {
    const projectId = 'projectId' in one ? one.projectId : undefined;
    return Object.fromEntries(
      names.map((name) => [
        name,
        name === deepest
          ? one.id
          : name === 'projectId'
            ? (projectId ?? one.id)
            : (pool.values(`${name} of ${one.id}`).at(-1) ?? 'x'),
      ]),
    );
  });
  const wrong = fc.record(
    Object.fromEntries(
      parameters
        .filter((one) => one.in === 'path')
        .map(({ name, schema }) => [name, fc.oneof(nearly(schema, sources).map(asText), wildText)]),
    ),
  );
  return fc
    .oneof({ arbitrary: right, weight: 6 }, { arbitrary: wrong, weight: 1 })
    .map((values: Readonly<Record<string, string>>) => ({
      path: path.replaceAll(/\{(\w+)\}/g, (_, name: string) => segmentOf(values[name] ?? '')),
      projectId: values.projectId,
    }));
};

const asText = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? '');

/** Replaces empty text and dots, which URLs resolve: they would make another path. */
const segmentOf = (text: string): string => (/^\.*$/.test(text) ? 'x' : encodeURIComponent(wellFormed(text)));

const wellFormed = (text: string): string => text.toWellFormed();

const queryOf = ({ parameters }: Operation, sources: Sources): fc.Arbitrary<string> => {
  const fields = parameters
    .filter((one) => one.in === 'query')
    .map(({ name, schema }): [string, fc.Arbitrary<unknown>] => {
      const good = sources.valuesOf(name === 'cursor' ? 'nextCursor' : name);
      const right = good.length > 0 ? fc.constantFrom(...good) : fitting(schema, sources);
      const value = fc.oneof(
        { arbitrary: right, weight: 5 },
        { arbitrary: nearly(schema, sources), weight: 1 },
      );
      return [name, sometimes(value)];
    });
  return fc.record(Object.fromEntries(fields)).map((values) => {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(values)) {
      if (value === undefined) continue;
      query.append(name, wellFormed(asText(value)));
    }
    return query.size > 0 ? `?${query}` : '';
  });
};

const headerSafe = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, '');

const headersOf = (operation: Operation, credentials: Credentials): fc.Arbitrary<Record<string, string>> => {
  const own = operation.security.flatMap((scheme) =>
    Object.keys(scheme).flatMap((name) => credentials.byScheme[name] ?? []),
  );
  const token = fc.oneof(
    { arbitrary: fc.constantFrom<string | undefined>(...(own.length > 0 ? own : [undefined])), weight: 12 },
    { arbitrary: fc.constantFrom<string | undefined>(undefined, ...credentials.others), weight: 1 },
    { arbitrary: wildText.map(headerSafe), weight: 1 },
  );
  const type = fc.oneof(
    { arbitrary: fc.constant('application/json'), weight: 20 },
    {
      arbitrary: fc.constantFrom(
        'text/plain',
        'application/x-www-form-urlencoded',
        'application/json; charset=x',
        '',
      ),
      weight: 1,
    },
  );
  return fc
    .record({ token, type, source: fc.nat(5000) })
    .map(({ token: bearer, type: contentType, source }) => ({
      ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
      ...(operation.requestBody && contentType !== '' && { 'content-type': contentType }),
      'x-test-source': `192.0.2.${source}`,
    }));
};

/** Operations that accept any body, which the document cannot describe. */
const takesAnything: ReadonlySet<string> = new Set(['receiveIntegrationEvent']);

const bodyOf = (
  { operationId, requestBody }: Operation,
  sources: Sources,
  taken: readonly unknown[],
): fc.Arbitrary<string | undefined> => {
  if (takesAnything.has(operationId)) return fc.oneof(fc.json({ maxDepth: 3 }), wildText);
  if (!requestBody) return fc.constant(undefined);
  const schema = requestBody.content['application/json']?.schema;
  return fc.oneof(
    { arbitrary: nearly(schema, sources).map((value) => JSON.stringify(value) ?? ''), weight: 20 },
    ...(taken.length === 0 ? [] : [{ arbitrary: withHardNumber(taken).map(asText), weight: 5 }]),
    { arbitrary: fc.constantFrom('', '{', '[1,', 'null', '"', '\u0000', '{"a":1}{'), weight: 1 },
  );
};

/** Makes any request to the operation. */
export const requestOf = (
  operation: Operation,
  pool: Pool,
  resolve: Sources['resolve'],
  credentials: Credentials,
): fc.Arbitrary<FuzzRequest> => {
  /** Prefers ids of the path's project: those of others are rejected, and seldom go together. */
  const sourcesIn = (projectId?: string): Sources => ({
    resolve,
    idsOf: (prefix) => {
      const all = pool.known(prefix);
      const own = all.filter((one) => one.projectId === projectId);
      return (own.length > 0 ? own : all).map(({ id }) => id);
    },
    valuesOf: (name) => pool.values(name),
  });
  return pathOf(operation, pool, sourcesIn())
    .chain(({ path, projectId }) =>
      fc.record({
        path: fc.constant(path),
        query: queryOf(operation, sourcesIn(projectId)),
        headers: headersOf(operation, credentials),
        body: bodyOf(operation, sourcesIn(projectId), pool.bodies(operation.operationId)),
      }),
    )
    .map(({ path, query, headers, body }) => ({
      operationId: operation.operationId,
      method: operation.method,
      path: `${path}${query}`,
      headers,
      body,
    }));
};
