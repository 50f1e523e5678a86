import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import { zipSync } from 'fflate'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readZip } from './read-zip.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'verger-zip-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A file of 700 bytes that the central directory (APPNOTE.TXT 4.3.12) says has 521. */
function writeUnderstated(): string {
  const zip = Buffer.from(zipSync({ a: Buffer.from('pixels '.repeat(100)) }))
  zip.writeUInt32LE(521, zip.indexOf('PK\x01\x02', 'latin1') + 24)
  const file = join(folder, 'understated.zip')
  writeFileSync(file, zip)
  return file
}

describe('readZip', () => {
  it('rejects what is damaged however late it is read', async () => {
    for await (const entry of readZip(writeUnderstated())) {
      if (entry.kind !== 'file') throw new Error('Expected a file')
      const content = await entry.open()
      // By then all of it has been unpacked.
      await setTimeout(50)
      await expect(text(content)).rejects.toThrow('too many bytes')
    }
    expect.assertions(1)
  })
})
