/**
 * Stops zod from testing whether it may compile its parsers, which the content security policy reports as an
 * attack. Imported first.
 */
import * as z from 'zod';

z.config({ jitless: true });
