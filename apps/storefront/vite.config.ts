/** How the pages are built, and how they reach the API while they are being developed. */
import { preact } from '@preact/preset-vite';
import { defineConfig, loadEnv } from 'vite';

export default defineConfig(({ mode }) => {
  // Only development reads it; the built pages call their own origin.
  const bffOrigin = loadEnv(mode, '.', 'BFF_')['BFF_ORIGIN'] ?? 'http://127.0.0.1:4000';
  return {
    plugins: [preact({ devToolsEnabled: false })],
    build: {
      outDir: 'dist',
      emptyOutDir: true,
      // Every file is fetched from the shop's own origin, so that the content security policy can stay strict.
      assetsInlineLimit: 0,
      sourcemap: true,
    },
    server: {
      host: '127.0.0.1',
      proxy: { '/api': bffOrigin },
    },
  };
});
