import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readCheckpoint, removeCheckpoint, writeCheckpoint } from './checkpoint.ts'

let folder: string
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'verger-checkpoint-')), 'run')
})
afterEach(() => rm(join(folder, '..'), { recursive: true, force: true }))

const tensorOf = (...values: number[]) => ({
  dims: [values.length],
  data: Float32Array.from(values),
})
const checkpoint = (step: number) => ({
  progress: { step },
  tensors: {
    weights: new Map([['block1/kernel', tensorOf(step, 0.1)]]),
    best: new Map([['block1/kernel', tensorOf(Number.NaN, -0)]]),
  },
})

describe('a checkpoint', () => {
  it('comes back bit for bit', async () => {
    await writeCheckpoint(folder, checkpoint(7))
    const read = await readCheckpoint<{ step: number }>(folder)
    expect(read).toEqual(checkpoint(7))
    const best = (read as ReturnType<typeof checkpoint>).tensors.best.get('block1/kernel')
    expect(Object.is(best?.data[1], -0)).toBe(true)
  })

  it('takes the place of the one before, and leaves one file of tensors', async () => {
    await writeCheckpoint(folder, checkpoint(1))
    await writeCheckpoint(folder, checkpoint(2))
    expect(await readCheckpoint(folder)).toMatchObject({ progress: { step: 2 } })
    expect(readdirSync(folder)).toHaveLength(2)
  })

  it('stays the one before where a kill came between the tensors and their name', async () => {
    await writeCheckpoint(folder, checkpoint(1))
    writeFileSync(join(folder, `${'0'.repeat(64)}.safetensors`), 'whole, but not named yet')
    writeFileSync(join(folder, `.checkpoint.json.${'0'.repeat(12)}.tmp`), 'half')
    expect(await readCheckpoint(folder)).toMatchObject({ progress: { step: 1 } })
    await writeCheckpoint(folder, checkpoint(2))
    expect(readdirSync(folder)).toHaveLength(2)
  })

  it('is none where it is absent or removed', async () => {
    expect(await readCheckpoint(folder)).toBeUndefined()
    await writeCheckpoint(folder, checkpoint(2))
    await removeCheckpoint(folder)
    expect(await readCheckpoint(folder)).toBeUndefined()
  })

  const cut = (bytes: Buffer) => bytes.subarray(0, bytes.length >> 1)
  const flip = (bytes: Buffer) => {
    const flipped = Buffer.from(bytes)
    const at = flipped.length - 3
    flipped.writeUInt8(flipped.readUInt8(at) ^ 1, at)
    return flipped
  }
  it.each([
    ['cut tensors', '.safetensors', cut],
    ['a flipped bit in the tensors', '.safetensors', flip],
    ['no tensors', '.safetensors', () => Buffer.alloc(0)],
    ['a cut file of progress', '.json', cut],
    [
      'another step in the file of progress',
      '.json',
      (bytes: Buffer) => Buffer.from(bytes.toString().replace('"step":7', '"step":9')),
    ],
  ])('says that it is damaged by %s', async (_words, ending, damage) => {
    await writeCheckpoint(folder, checkpoint(7))
    const file = join(folder, readdirSync(folder).find((name) => name.endsWith(ending)) ?? '')
    writeFileSync(file, damage(readFileSync(file)))
    expect(await readCheckpoint(folder)).toEqual({ fault: 'is damaged' })
  })

  it('says that it is of another version', async () => {
    await writeCheckpoint(folder, checkpoint(7))
    const file = join(folder, 'checkpoint.json')
    writeFileSync(file, readFileSync(file, 'utf8').replace('"format":2', '"format":1'))
    expect(await readCheckpoint(folder)).toEqual({ fault: 'is of another version of Verger' })
  })
})
