import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { unzipSync, type Zippable, zipSync } from 'fflate'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packagePath } from '../../core/version.ts'
import { readPyTorch } from './pytorch.ts'

/** Written by PyTorch: scripts/fixtures/models/pytorch_files.py. */
const fixture = (name: string): string => packagePath(`test/fixtures/models/pytorch/${name}`)
const VALUES: Record<string, { dims: number[]; data: number[] }> = JSON.parse(
  readFileSync(fixture('values.json'), 'utf8'),
)

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'verger-pytorch-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function write(bytes: Uint8Array): string {
  const path = join(folder, 'state.pth')
  writeFileSync(path, bytes)
  return path
}

/** The zip of PyTorch with other entries; stored as they are unless `level` says otherwise. */
function changed(change: (entries: Record<string, Uint8Array>) => void, level: 0 | 6 = 0): string {
  const entries = unzipSync(readFileSync(fixture('zip.pth')))
  change(entries)
  return write(zipSync(entries as Zippable, { level }))
}

const text = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value, 'latin1'))

describe('readPyTorch', () => {
  it.each(['zip.pth', 'legacy.pth', 'protocol-4.pth', 'checkpoint.pth', 'checkpoint-legacy.pth'])(
    'reads every float of %s: any precision, strided, shared, empty, wrapped in a checkpoint',
    async (name) => {
      const tensors = await readPyTorch(fixture(name))
      expect([...tensors.keys()].sort()).toEqual(Object.keys(VALUES).sort())
      for (const [tensor, { dims, data }] of Object.entries(VALUES)) {
        expect(tensors.get(tensor)?.dims).toEqual(dims)
        expect(tensors.get(tensor)?.data).toEqual(Float32Array.from(data))
      }
    },
  )

  it('reads the numbers of a big-endian machine', async () => {
    const sizes: Record<string, 2 | 4 | 8> = { 2: 2, 3: 2, 4: 8 }
    const path = changed((entries) => {
      entries['zip/byteorder'] = text('big')
      for (const [name, bytes] of Object.entries(entries)) {
        const key = /^zip\/data\/(\d+)$/.exec(name)?.[1]
        if (key === undefined || key === '1') continue
        const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
        const swap = {
          2: () => buffer.swap16(),
          4: () => buffer.swap32(),
          8: () => buffer.swap64(),
        }
        swap[sizes[key] ?? 4]()
      }
    })
    const tensors = await readPyTorch(path)
    for (const [name, { data }] of Object.entries(VALUES)) {
      expect(tensors.get(name)?.data).toEqual(Float32Array.from(data))
    }
  })
})

describe('a file of PyTorch that is refused', () => {
  it('holds a whole model', async () => {
    await expect(readPyTorch(fixture('module.pth'))).rejects.toMatchObject({
      code: 'model_unsupported',
      message: expect.stringContaining('the class __main__.Tiny'),
      hint: expect.stringContaining('torch.save(model.state_dict(), FILE)'),
    })
  })

  it.each<[string, string, string, (entries: Record<string, Uint8Array>) => void]>([
    [
      'a TorchScript program',
      'model_unsupported',
      'a TorchScript program',
      (entries) => (entries['zip/code/model.py'] = text('')),
    ],
    [
      'a program of torch.export',
      'model_unsupported',
      'a program of torch.export',
      (entries) => (entries['zip/models/model.json'] = text('{}')),
    ],
    [
      'another zip',
      'model_unsupported',
      'a zip without data.pkl',
      (entries) => delete entries['zip/data.pkl'],
    ],
    [
      'a storage that is missing',
      'model_invalid',
      'a zip without zip/data/0',
      (entries) => delete entries['zip/data/0'],
    ],
    [
      'a storage that is too short',
      'model_invalid',
      'too few values in zip/data/0',
      (entries) => (entries['zip/data/0'] = new Uint8Array(8)),
    ],
    [
      'an unknown byte order',
      'model_invalid',
      "the byte order 'middle'",
      (entries) => (entries['zip/byteorder'] = text('middle')),
    ],
    [
      'a forbidden class',
      'model_unsupported',
      'the class posix.system',
      (entries) => (entries['zip/data.pkl'] = text('\x80\x02cposix\nsystem\nX\x02\0\0\0id\x85R.')),
    ],
    [
      'no dictionary',
      'model_invalid',
      'something else than a dictionary',
      (entries) => (entries['zip/data.pkl'] = text('\x80\x02K\x01.')),
    ],
    [
      'a dictionary without tensors',
      'model_invalid',
      'whose keys are a',
      (entries) => (entries['zip/data.pkl'] = text('\x80\x02}X\x01\0\0\0aK\x01s.')),
    ],
  ])('holds %s', async (_words, code, message, change) => {
    await expect(readPyTorch(changed(change))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    })
  })

  it('is compressed', async () => {
    await expect(readPyTorch(changed(() => {}, 6))).rejects.toMatchObject({ code: 'model_invalid' })
  })

  it('has a number that was changed on the way', async () => {
    const bytes = readFileSync(fixture('zip.pth'))

    const place = bytes.indexOf(Buffer.from(Float32Array.from(VALUES['first']!.data).buffer))
    bytes[place] = bytes[place]! ^ 1
    await expect(readPyTorch(write(bytes))).rejects.toMatchObject({
      code: 'model_invalid',
      message: expect.stringContaining('a wrong checksum of zip/data/'),
    })
  })

  it.each(['zip.pth', 'legacy.pth'])('was cut short anywhere: %s', async (name) => {
    const bytes = readFileSync(fixture(name))
    for (let length = 0; length < bytes.length; length += 7) {
      await expect(readPyTorch(write(bytes.subarray(0, length)))).rejects.toMatchObject({
        code: 'model_invalid',
      })
    }
  })
})
