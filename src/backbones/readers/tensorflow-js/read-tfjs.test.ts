import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { unzipSync, zipSync } from 'fflate'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createZip } from '../../../../test/support/archives.ts'
import {
  differenceOf,
  expectReadOrRefused,
  FIXTURE_LABELS,
  fixture,
} from '../../../../test/support/keras-fixtures.ts'
import { spoilBytes, spoilJson } from '../../../../test/support/spoil.ts'
import { readTfjs } from './read-tfjs.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'verger-tfjs-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const SHARD = 'group1-shard1of1.bin'
const modelText = readFileSync(fixture('binary-js/model.json'), 'utf8')
let copies = 0

/** A copy of the folder whose model is another. */
function withModel(text: string): string {
  const path = join(folder, String(copies++))
  cpSync(fixture('binary-js'), path, { recursive: true })
  writeFileSync(join(path, 'model.json'), text)
  return path
}

function writeZip(bytes: Uint8Array): string {
  const path = join(folder, 'spoiled.zip')
  writeFileSync(path, bytes)
  return path
}

describe('readTfjs', () => {
  it.each(['binary-js', 'binary-js/model.json'])(
    'gives the numbers of Keras from %s',
    async (path) => {
      const model = await readTfjs(fixture(path))
      expect(model.labels).toBeUndefined()
      expect(await differenceOf('binary-js', model)).toBeLessThan(1e-6)
    },
  )

  it('gives those of Teachable Machine with labels, scaling and what differs', async () => {
    const model = await readTfjs(fixture('teachable.zip'))
    expect(model.labels).toEqual(FIXTURE_LABELS)
    expect(model.knowsScaling).toBe(true)
    expect(model.network.input).toEqual({ size: 33, mean: 127, divisor: 127 })
    expect(model.notes.join(' ')).toContain('the square in the middle')
    expect(await differenceOf('teachable.zip', model)).toBeLessThan(1e-6)
  })

  it.each([
    ['a graph model', '{"format":"graph-model","modelTopology":{"node":[]}}', 'a graph model'],
    ['no model', '{"hello":"world"}', 'modelTopology'],
    ['no JSON', '{"hello":', 'as JSON'],
    ['weights elsewhere', modelText.replace(SHARD, 'https://example.org/w.bin'), 'the address'],
    ['weights that are not there', modelText.replace(SHARD, 'gone.bin'), 'gone.bin'],
    [
      'weights that are too short',
      modelText.replaceAll('"shape": [3, 3, 3, 6]', '"shape": [3, 3, 3, 9]'),
      'bytes',
    ],
  ])('refuses %s', async (_words, text, message) => {
    const path = withModel(text)
    await expect(readTfjs(path)).rejects.toThrow(message)
    await expect(readTfjs(path)).rejects.toMatchObject({ code: /^model_/ })
  })

  it.each(['../secret.bin', '/etc/passwd', 'a/../../secret.bin'])(
    'never reads weights at %s',
    async (path) => {
      writeFileSync(join(folder, 'secret.bin'), readFileSync(fixture(`binary-js/${SHARD}`)))
      await expect(readTfjs(withModel(modelText.replace(SHARD, path)))).rejects.toMatchObject({
        code: 'archive_unsafe',
      })
    },
  )

  it('never follows a link out of the folder', async () => {
    const path = withModel(modelText.replace(SHARD, 'link.bin'))
    symlinkSync(fixture(`binary-js/${SHARD}`), join(path, 'link.bin'))
    await expect(readTfjs(path)).rejects.toMatchObject({ code: 'model_unsupported' })
  })

  it.each([
    ['climbs out', [{ path: '../model.json', content: '{}' }], 'archive_unsafe'],
    ['has no model', [{ path: 'readme.json', content: '{}' }], 'model_invalid'],
    [
      'has two models',
      [
        { path: 'a/model.json', content: '{}' },
        { path: 'b/model.json', content: '{}' },
      ],
      'model_unsupported',
    ],
  ])('refuses a zip that %s', async (_words, files, code) => {
    await expect(readTfjs(writeZip(createZip(files)))).rejects.toMatchObject({ code })
  })

  it('refuses a zip that unpacks to more than a model has', async () => {
    // The size that the directory states is believed before a byte is unpacked.
    const zip = createZip([{ path: 'weights.bin', content: new Uint8Array(1000) }])
    const directory = zip.lastIndexOf('PK\x01\x02')
    zip.writeUInt32LE(0xfffffff0, directory + 24)
    await expect(readTfjs(writeZip(zip))).rejects.toMatchObject({ code: 'archive_unsafe' })
  })

  it('reads or refuses a folder whose description is spoiled', async () => {
    const path = withModel(modelText)
    for (let seed = 1; seed <= 400; seed++) {
      writeFileSync(join(path, 'model.json'), spoilJson(modelText, seed))
      await expectReadOrRefused(readTfjs(path), `seed ${seed}`)
    }
  }, 60_000)

  it('reads or refuses a zip whose description is spoiled', async () => {
    const files = unzipSync(readFileSync(fixture('teachable.zip')))
    const text = Buffer.from(files['model.json'] ?? []).toString('utf8')
    for (let seed = 1; seed <= 200; seed++) {
      const spoiled = { ...files, 'model.json': Buffer.from(spoilJson(text, seed)) }
      await expectReadOrRefused(readTfjs(writeZip(zipSync(spoiled))), `seed ${seed}`)
    }
  }, 60_000)

  it('reads or refuses a zip that is spoiled', async () => {
    const bytes = readFileSync(fixture('teachable.zip'))
    for (let seed = 1; seed <= 200; seed++) {
      await expectReadOrRefused(readTfjs(writeZip(spoilBytes(bytes, seed))), `seed ${seed}`)
    }
  }, 60_000)
})
