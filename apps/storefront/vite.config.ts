/** How the pages are built, and how they reach the API while they are being developed. */
import { preact } from '@preact/preset-vite';
import { defineConfig, loadEnv } from 'vite';
import { decisions } from './build/decisions.ts';

export default defineConfig(({ mode }) => {
  // Only development reads it; the built pages call their own origin.
  const bffOrigin = loadEnv(mode, '.', 'BFF_')['BFF_ORIGIN'] ?? 'http://127.0.0.1:4000';
  // Where the code can be read, for the links of /lab; without it they are paths as text.
  const repositoryUrl = loadEnv(mode, '.', 'REPOSITORY_')['REPOSITORY_URL'] ?? '';
  return {
    plugins: [preact({ devToolsEnabled: false }), decisions()],
    define: { REPOSITORY_URL: JSON.stringify(repositoryUrl) },
    build: {
      outDir: 'dist',
      emptyOutDir: true,
      // Every file is fetched from the shop's own origin, so that the content security policy can stay strict.
      assetsInlineLimit: 0,
      // Browsers without it load a lazy page a little later, and the shop has less to load.
      modulePreload: { polyfill: false },
      sourcemap: true,
      rolldownOptions: {
        // The contracts are schemas and plain data: what a page does not use of them it need not load, TypeBox neither.
        treeshake: { moduleSideEffects: (id) => !id.includes('/libs/contracts/src/') },
      },
    },
    server: {
      host: '127.0.0.1',
      proxy: { '/api': bffOrigin },
    },
  };
});
