/** A file that hangs, exhausts or crashes its reader costs an error, and the process that read it is gone. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { importInProcess, limitsFor } from '../../dist/importing/import-process.js'
import { encodeTinyNetwork } from '../support/tiny-network.ts'

const LARGE = fileURLToPath(new URL('../../weights/efficientnet-lite0.onnx', import.meta.url))
const MIB = 1024 * 1024
const PLENTY = { memoryBytes: 2000 * MIB, cpuMs: 60_000 }

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'verger-isolate-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function write(name: string, bytes: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}

describe('a process that reads a file', () => {
  it('leaves a model that is described and whole', async () => {
    const path = write('tiny.onnx', encodeTinyNetwork())
    const imported = await importInProcess({ path, folder })
    expect(imported).toMatchObject({ readAs: 'ONNX', network: { input: { size: 32 } } })
    expect(readdirSync(folder).sort()).toEqual(['imported.json', 'model.onnx', 'tiny.onnx'])
  })

  it.each([
    ['time', { ...PLENTY, cpuMs: 1 }, /took more time/],
    ['memory', { ...PLENTY, memoryBytes: 10 * MIB }, /needed more memory/],
  ])('is ended where it takes more %s than it may', async (_what, limits, message) => {
    await expect(importInProcess({ path: LARGE, folder }, { limits })).rejects.toMatchObject({
      code: 'model_invalid',
      message: expect.stringMatching(message),
    })
  })

  it('is ended where its caller aborts', async () => {
    const signal = AbortSignal.timeout(30)
    await expect(importInProcess({ path: LARGE, folder }, { signal })).rejects.toMatchObject({
      name: 'TimeoutError',
    })
  })

  it.each([
    ['nothing', 'empty', '', 'model_unsupported'],
    ['a text', 'words.txt', 'These are words, and no model at all.', 'model_unsupported'],
    ['half a zip', 'half.keras', 'PK\x03\x04 and so on', 'model_invalid'],
    ['half an HDF5 file', 'half.h5', Buffer.from('\x89HDF\r\n\x1a\n', 'latin1'), 'model_invalid'],
    ['half an ONNX file', 'half.onnx', encodeTinyNetwork().subarray(0, 300), 'model_invalid'],
    ['a photo', 'photo.jpg', Buffer.from([0xff, 0xd8, 0xff, 0xe0]), 'model_unsupported'],
  ])('refuses %s', async (_words, name, bytes, code) => {
    const path = write(name, bytes)
    await expect(importInProcess({ path, folder })).rejects.toMatchObject({ code })
  })

  it('refuses a path where nothing is', async () => {
    const path = join(folder, 'nothing')
    await expect(importInProcess({ path, folder })).rejects.toMatchObject({ code: 'model_invalid' })
  })
})

describe('what reading may cost', () => {
  it('stays below a gigabyte and five seconds for small files', () => {
    const { memoryBytes, cpuMs } = limitsFor(20_000)
    expect(memoryBytes).toBeLessThan(1024 * MIB)
    expect(cpuMs).toBeLessThan(5000)
  })

  it('grows with the file', () => {
    expect(limitsFor(100 * MIB)).toMatchObject({ memoryBytes: 900 * MIB, cpuMs: 14_500 })
    expect(limitsFor(500 * MIB).memoryBytes).toBeGreaterThan(3000 * MIB)
  })
})
