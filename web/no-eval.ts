/** Imported first: zod would try whether it may compile its parsers, which the content security policy reports as an attack. */
import * as z from 'zod';

z.config({ jitless: true });
