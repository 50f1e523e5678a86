import { createHash } from 'node:crypto'
import { defineConfig, type Plugin } from 'vite'
import { viteSingleFile } from 'vite-plugin-singlefile'

/** Gives the empty report: one HTML file that needs nothing beside itself. */
export default defineConfig({
  build: {
    outDir: 'dist',
    modulePreload: { polyfill: false },
    rolldownOptions: { input: new URL('report.html', import.meta.url).pathname },
  },
  plugins: [viteSingleFile(), contentSecurityPolicy()],
})

/**
 * Allows the one script and the one style of the file by their hashes and images by `data:`, nothing
 * else: neither a label that looks like markup nor a request leaves the report.
 */
function contentSecurityPolicy(): Plugin {
  return {
    name: 'verger:content-security-policy',
    enforce: 'post',
    generateBundle: {
      order: 'post',
      handler(_options, bundle) {
        const html = bundle['report.html']
        if (html?.type !== 'asset') this.error('Expected report.html in the bundle, found none')
        const source = String(html.source)
        const policy = [
          `default-src 'none'`,
          'img-src data:',
          `script-src ${hashesOf(source, /<script type="module"[^>]*>([\s\S]*?)<\/script>/g)}`,
          `style-src ${hashesOf(source, /<style[^>]*>([\s\S]*?)<\/style>/g)}`,
          `base-uri 'none'`,
          `form-action 'none'`,
        ].join('; ')
        const charset = '<meta charset="utf-8" />'
        const meta = `${charset}\n    <meta http-equiv="Content-Security-Policy" content="${policy}" />`
        html.source = source.replace(charset, () => meta)
      },
    },
  }
}

/** The policy's sources for each inline element that `pattern` finds. */
function hashesOf(source: string, pattern: RegExp): string {
  return [...source.matchAll(pattern)]
    .map(([, text = '']) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`)
    .join(' ')
}
