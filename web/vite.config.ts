/** Builds the console into web/dist, and serves it for development with a proxy to a running stack. */
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { callsOnly } from './calls-only.ts';

/** Address of `npm start` unless PORT is set. */
const stackUrl = process.env.REVEILLE_URL ?? 'http://localhost:8787';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), callsOnly()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    // A data: URL would need a wider content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
    chunkSizeWarningLimit: 600,
    license: { fileName: 'THIRD-PARTY-NOTICES.md' },
    // Schemas that no page uses are left out of the bundle.
    rolldownOptions: { treeshake: { moduleSideEffects: [{ test: /\/protocol\//, sideEffects: false }] } },
  },
  server: {
    // The API accepts changes by cookie only from its own origin.
    proxy: {
      '/api': { target: stackUrl, changeOrigin: true, headers: { origin: new URL(stackUrl).origin } },
    },
  },
});
