import { readdirSync, writeFileSync } from 'node:fs'
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
    expect(Object.is(read?.tensors['best']?.get('block1/kernel')?.data[1], -0)).toBe(true)
  })

  it('takes the place of the one before, and leaves one file of tensors', async () => {
    await writeCheckpoint(folder, checkpoint(1))
    await writeCheckpoint(folder, checkpoint(2))
    expect((await readCheckpoint<{ step: number }>(folder))?.progress.step).toBe(2)
    expect(readdirSync(folder)).toHaveLength(2)
  })

  it('stays the one before where a kill came between the tensors and their name', async () => {
    await writeCheckpoint(folder, checkpoint(1))
    writeFileSync(join(folder, `${'0'.repeat(64)}.safetensors`), 'half')
    expect((await readCheckpoint<{ step: number }>(folder))?.progress.step).toBe(1)
  })

  it('counts as none where it is damaged, absent or removed', async () => {
    expect(await readCheckpoint(folder)).toBeUndefined()
    await writeCheckpoint(folder, checkpoint(1))
    const tensors = readdirSync(folder).find((name) => name.endsWith('.safetensors')) ?? ''
    writeFileSync(join(folder, tensors), 'damaged')
    expect(await readCheckpoint(folder)).toBeUndefined()
    await writeCheckpoint(folder, checkpoint(2))
    await removeCheckpoint(folder)
    expect(await readCheckpoint(folder)).toBeUndefined()
  })
})
