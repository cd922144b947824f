/**
 * Lets the stack traces of a bundled function name the lines of its sources. The build puts this first in
 * each function. It reads the source map when the first trace is wanted; Node's `--enable-source-maps` reads
 * it at each cold start, which takes a sixth of the load time.
 */
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';

const bundle = import.meta.url;

const readMap = (): SourceMap | undefined => {
  try {
    return new SourceMap(JSON.parse(readFileSync(`${fileURLToPath(bundle)}.map`, 'utf8')));
  } catch {
    return undefined; // Without a map, traces name the lines of the bundle.
  }
};

/** Read at most once. */
let read: { readonly map: SourceMap | undefined } | undefined;

/** One line of a trace. V8 counts lines and columns from 1. */
const describe = (site: NodeJS.CallSite): string => {
  const [line, column] = [site.getLineNumber(), site.getColumnNumber()];
  if (site.getFileName() !== bundle || line === null || column === null) return String(site);
  read ??= { map: readMap() };
  const origin = read.map?.findOrigin(line, column);
  if (!origin || !('fileName' in origin)) return String(site);
  const { lineNumber, columnNumber } = origin;
  const fileName = origin.fileName.replace(/^(\.\.\/)+/, '');
  return String(site).replace(`${bundle}:${line}:${column}`, `${fileName}:${lineNumber}:${columnNumber}`);
};

/** https://v8.dev/docs/stack-trace-api */
Error.prepareStackTrace = (error, sites) =>
  [Error.prototype.toString.call(error), ...sites.map((site) => `    at ${describe(site)}`)].join('\n');
