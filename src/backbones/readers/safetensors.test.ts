import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packagePath } from '../../core/version.ts'
import { readSafetensors } from './safetensors.ts'

/** Written by the safetensors package: scripts/fixtures/models/pytorch_files.py. */
const FILE = packagePath('test/fixtures/models/pytorch/all.safetensors')
const VALUES: Record<string, { dims: number[]; data: number[] }> = JSON.parse(
  readFileSync(packagePath('test/fixtures/models/pytorch/values.json'), 'utf8'),
)

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'verger-safetensors-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('readSafetensors', () => {
  it('reads floats of every precision and leaves out counters', async () => {
    const tensors = await readSafetensors(FILE)
    expect([...tensors.keys()].sort()).toEqual(Object.keys(VALUES).sort())
    for (const [name, { dims, data }] of Object.entries(VALUES)) {
      expect(tensors.get(name)).toEqual({ dims, data: Float32Array.from(data) })
    }
  })

  it('refuses a file that was cut short anywhere', async () => {
    const bytes = readFileSync(FILE)
    const path = join(folder, 'short.safetensors')
    for (let length = 0; length < bytes.length; length += 11) {
      writeFileSync(path, bytes.subarray(0, length))
      await expect(readSafetensors(path)).rejects.toMatchObject({ code: 'model_invalid' })
    }
  })
})
