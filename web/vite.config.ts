import { defineConfig } from 'vite'

const server = 'http://127.0.0.1:4400'

/** Nothing is inlined and nothing is polyfilled, so that `script-src 'self'; style-src 'self'` holds. */
export default defineConfig({
  build: { outDir: 'dist', assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { proxy: { '/predict': server, '/api': server, '/healthz': server } },
})
