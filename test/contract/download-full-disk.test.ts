/** A disk that is too small, a real one: a file system in memory that only one process sees. */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { createSandbox, type Sandbox } from '../cli/verger.ts'
import { createZip } from '../support/archives.ts'
import { type FileServer, sendFile, startFileServer } from '../support/file-server.ts'

let sandbox: Sandbox | undefined
let server: FileServer | undefined
afterEach(async () => {
  await server?.close()
  sandbox?.remove()
})

function canMount(): boolean {
  try {
    execFileSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', '-o', 'size=1m', 'none', '/tmp'], {
      stdio: 'ignore',
    })
    return true
  } catch {
    return false
  }
}

/** Random, so that it takes as much space in the archive. */
const NOISE = randomBytes(12_000_000)
const ARCHIVE = createZip([{ path: 'apple/1.jpg', content: NOISE }])

describe.skipIf(!canMount())(
  'a disk that is too small (skipped where nothing can be mounted)',
  () => {
    it.each([
      // Verger leaves 64 MiB of a disk alone.
      ['for the archive, whose size is announced', '70m', true],
      ['for the archive, whose size nobody knows', '70m', false],
      ['for the photos in it', '84m', false],
    ])('%s, is said before it is full', async (_words, size, isAnnounced) => {
      server = await startFileServer((request, response) => {
        if (isAnnounced) return sendFile(request, response, ARCHIVE)
        response.write(ARCHIVE)
        return response.end()
      })
      sandbox = createSandbox()
      const inside = `mount -t tmpfs -o size=${size} none "$VERGER_HOME" && verger datasets get ${server.url}; code=$?; ls -A "$VERGER_HOME/datasets"; exit $code`
      const { stdout, stderr, exit } = await sandbox.run(`unshare -rm sh -c '${inside}'`)
      expect(stderr).toContain('[disk_full]')
      expect(exit).toBe(1)
      expect(stdout.trimEnd().split('\n').at(-1)).toBe('.downloads')
    })
  },
)
