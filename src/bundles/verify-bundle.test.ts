import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { syntheticBundle } from '../../test/support/synthetic-bundle.ts'
import { loadClassifier } from './classifier.ts'
import { encodeBundle, writeBundleFolder } from './encode-bundle.ts'
import { readBundleFolder } from './verify-bundle.ts'

const bundle = encodeBundle(syntheticBundle())

let parent: string
let folder: string
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'verger-bundle-'))
  folder = join(parent, 'bundle')
})
afterEach(() => rmSync(parent, { recursive: true, force: true }))

describe('a bundle in a folder', () => {
  it('is read as it was written, with what lies beside it', async () => {
    const files = new Map([...bundle, ['report.json', Buffer.from('{}')]])
    await writeBundleFolder(files, folder)
    writeFileSync(join(folder, 'notes.txt'), 'not of the bundle')
    const read = await readBundleFolder(folder)
    expect([...read.keys()].sort()).toEqual([...files.keys()].sort())
    expect(loadClassifier(read).id).toBe(loadClassifier(bundle).id)
  })

  it.each(['head.safetensors', 'golden.safetensors'])('lacks %s', async (name) => {
    await writeBundleFolder(bundle, folder)
    rmSync(join(folder, name))
    await expect(readBundleFolder(folder)).rejects.toMatchObject({
      code: 'bundle_damaged',
      message: expect.stringContaining(name),
    })
  })

  it('lacks its manifest, or is not there', async () => {
    await writeBundleFolder(bundle, folder)
    rmSync(join(folder, 'bundle.json'))
    for (const path of [folder, join(parent, 'nowhere')]) {
      await expect(readBundleFolder(path)).rejects.toMatchObject({ code: 'bundle_not_found' })
    }
  })

  it('cannot make anybody read outside it', async () => {
    await writeBundleFolder(bundle, folder)
    const secret = join(parent, 'secret')
    writeFileSync(secret, 'secret')
    const path = join(folder, 'bundle.json')
    const manifest = JSON.parse(readFileSync(path, 'utf8'))
    for (const name of ['../secret', secret]) {
      const files = { ...manifest.files, [name]: { sha256: 'a'.repeat(64), sizeBytes: 6 } }
      writeFileSync(path, JSON.stringify({ ...manifest, files }))
      await expect(readBundleFolder(folder)).rejects.toMatchObject({
        code: 'bundle_damaged',
        message: expect.not.stringContaining('secret'),
      })
    }
    expect(existsSync(secret)).toBe(true)
  })
})
