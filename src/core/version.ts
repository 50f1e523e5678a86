/** What this installation is: its version and the folder that holds it. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Folder of the installed package; `src/core` and `dist/core` lie at the same depth in it. */
const packageRoot = new URL('../../', import.meta.url)

/** Path of a file that ships with the package. */
export function packagePath(relativePath: string): string {
  return fileURLToPath(new URL(relativePath, packageRoot))
}

/** Version of the installed package, e.g. `0.1.0`. */
export function readVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('package.json', packageRoot), 'utf8'))
  return String(manifest.version)
}
