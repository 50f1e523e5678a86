import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { withLock } from '../../download/file-lock.ts'
import { listLeftTunings, removeLeftTuning, tuningsFolder } from './left-tunings.ts'

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'verger-tunings-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

it('finds what a stopped run left, with all its bytes, and removes it', async () => {
  expect(await listLeftTunings(home)).toEqual([])
  const path = join(tuningsFolder(home), 'abc')
  await mkdir(path, { recursive: true })
  await writeFile(join(path, 'checkpoint.json'), '{}')
  await writeFile(join(path, 'weights.safetensors'), '12345678')
  const left = await listLeftTunings(home)
  expect(left).toMatchObject([{ path, sizeBytes: 10 }])
  for (const each of left) await removeLeftTuning(each)
  expect(await listLeftTunings(home)).toEqual([])
})

it('leaves a run alone that goes on', async () => {
  const path = join(tuningsFolder(home), 'abc')
  await mkdir(path, { recursive: true })
  await withLock(`${path}.lock`, async () => {
    expect(await listLeftTunings(home)).toEqual([])
  })
  expect(await listLeftTunings(home)).toHaveLength(1)
})
