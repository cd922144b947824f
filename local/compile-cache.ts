/**
 * Where Node keeps the compiled code of the programs here: their next start takes half the processor time.
 */
import { join } from 'node:path';

export const compileCache = join(import.meta.dirname, '../dist/compile-cache');
