/** What the registry has acknowledged is there, whatever happens to the process, its neighbours and the disk. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { canMount } from '../support/can-mount.ts'
import { createHome } from './homes.ts'
import { describeRegistryFailures } from './registry-failures-suite.ts'

const program = (name: string) => fileURLToPath(new URL(`./programs/${name}`, import.meta.url))

describeRegistryFailures('SQLite', () => ({ home: createHome() }))

describe.skipIf(!canMount)('a full disk (skipped where unshare may not mount)', () => {
  it('is said, leaves nothing half-written, and is no longer one when there is space', async () => {
    const disk = createHome()
    mkdirSync(disk)
    const script = `mount -t tmpfs -o size=1500k tmpfs "$1" && exec "$0" "$2" "$1"`
    const args = ['-rm', 'sh', '-c', script, process.execPath, disk, program('fill-disk.mjs')]
    const child = spawn('unshare', args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const [out] = await Promise.all([text(child.stdout), once(child, 'close')])
    const seen = JSON.parse(out)
    expect(seen.registered).toBeGreaterThan(2)
    expect(seen).toMatchObject({
      codes: ['disk_full', 'disk_full'],
      filled: 'ENOSPC',
      incoming: [],
      isReadable: true,
      goesOn: true,
      versions: seen.registered,
      lastDescription: 'space again',
    })
  })
})
