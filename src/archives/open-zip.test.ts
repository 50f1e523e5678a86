import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zipSync } from 'fflate'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openZip } from './open-zip.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'verger-zip-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function write(bytes: Uint8Array): string {
  const path = join(folder, 'archive.zip')
  writeFileSync(path, bytes)
  return path
}

const END_OF_DIRECTORY_BYTES = 22

/** A zip whose zip64 locator (APPNOTE.TXT 4.3.15) points to this byte. */
function withLocator(place: bigint): Buffer {
  const zip = Buffer.from(zipSync({ a: Uint8Array.of(1, 2, 3) }))
  const end = zip.length - END_OF_DIRECTORY_BYTES
  const locator = Buffer.alloc(20)
  locator.writeUInt32LE(0x07064b50)
  locator.writeBigUInt64LE(place, 8)
  locator.writeUInt32LE(1, 16)
  const closing = Buffer.from(zip.subarray(end))
  // All ones: what zip64 says counts.
  closing.writeUInt32LE(0xffffffff, 16)
  return Buffer.concat([zip.subarray(0, end), locator, closing])
}

describe('openZip', () => {
  it('gives the entries', async () => {
    const zip = await openZip(write(zipSync({ a: Uint8Array.of(1, 2, 3) })))
    const names: string[] = []
    for await (const entry of zip.eachEntry()) names.push(entry.fileNameRaw.toString())
    zip.close()
    expect(names).toEqual(['a'])
  })

  it.each([2n ** 62n, 2n ** 53n, 2n ** 40n, 10_000n])(
    'rejects a place at byte %s, beyond the end',
    async (place) => {
      await expect(openZip(write(withLocator(place)))).rejects.toThrow('in a file of')
    },
  )
})
