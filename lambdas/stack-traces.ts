/**
 * Lets the stack traces of a bundled function name the lines of its sources. The build puts this first in
 * each function. It reads the source map of a file when the first trace with it is wanted; Node's
 * `--enable-source-maps` reads it at each cold start, which takes a sixth of the load time.
 */
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';

/** Where the files of the bundle are. */
const folder = new URL('.', import.meta.url).href;

const readMap = (file: string): SourceMap | undefined => {
  try {
    return new SourceMap(JSON.parse(readFileSync(`${fileURLToPath(file)}.map`, 'utf8')));
  } catch {
    return undefined; // Without a map, traces name the lines of the bundle.
  }
};

/** Maps of the bundle's files, each read at most once. */
const maps = new Map<string, SourceMap | undefined>();
const mapOf = (file: string): SourceMap | undefined => {
  if (!maps.has(file)) maps.set(file, readMap(file));
  return maps.get(file);
};

/** One line of a trace. V8 counts lines and columns from 1. */
const describe = (site: NodeJS.CallSite): string => {
  const [file, line, column] = [site.getFileName(), site.getLineNumber(), site.getColumnNumber()];
  if (!file?.startsWith(folder) || line === null || column === null) return String(site);
  const origin = mapOf(file)?.findOrigin(line, column);
  if (!origin || !('fileName' in origin)) return String(site);
  const { lineNumber, columnNumber } = origin;
  const fileName = origin.fileName.replace(/^(\.\.\/)+/, '');
  return String(site).replace(`${file}:${line}:${column}`, `${fileName}:${lineNumber}:${columnNumber}`);
};

/** https://v8.dev/docs/stack-trace-api */
Error.prepareStackTrace = (error, sites) =>
  [Error.prototype.toString.call(error), ...sites.map((site) => `    at ${describe(site)}`)].join('\n');
