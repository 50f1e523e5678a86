/** Photos whose answer was corrected are learned with the dataset. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addCorrection } from '../../dist/registry/corrections.js'
import { createRegistry } from '../../dist/registry/registry.js'
import { openStore } from '../../dist/store/store.js'
import { createSandbox, type Sandbox } from '../cli/verger.ts'
import { drawFruit, writeSmallDataset } from '../support/small-dataset.ts'
import { type TrainingResult, train } from '../support/training.ts'

let sandbox: Sandbox
let home: string
let before: TrainingResult
beforeAll(async () => {
  sandbox = createSandbox()
  home = join(sandbox.folder, 'home')
  await writeSmallDataset(join(sandbox.folder, 'fruits'))
  before = await train(sandbox, 'fruits --register fruits')
})
afterAll(() => sandbox.remove())

/** Says to the model what photos show, in the order of the pairs; gives the hashes. */
async function correct(...pairs: readonly (readonly [Buffer, string])[]): Promise<string[]> {
  const store = await openStore({ home })
  try {
    await createRegistry(store).updateModel('fruits', { keepCorrections: true })
    const said = { model: 'fruits', version: 'v1', predicted: 'apple', score: 0.4 }
    const hashes: string[] = []
    for (const [photo, label] of pairs) {
      hashes.push((await addCorrection(store, { ...said, photo, label })).photoSha256)
    }
    return hashes
  } finally {
    await store.close()
  }
}

describe('corrected photos', () => {
  it('change what is learned, unless they are left out', async () => {
    const photos = [await drawFruit('plum', 77), await drawFruit('banana', 78)] as const
    await correct([photos[0], 'plum'], [photos[1], 'banana'])
    const line = 'cd "$SANDBOX" && verger train fruits --register fruits'
    const { stdout } = await sandbox.run(`${line} --dry-run`)
    expect(stdout).toContain('\nWith 2 photos corrected for fruits: 1 banana, 1 plum\n')

    const after = await train(sandbox, 'fruits --register fruits')
    expect(after.settings.photosPerLabel).toEqual([12, 13, 13])
    expect(after).toMatchObject({ version: 'v2', isDefault: false })
    const without = await train(sandbox, 'fruits --register fruits --no-corrections')
    expect(without).toMatchObject({ bundle: before.bundle, version: 'v1' })
    // Another model does not have them.
    expect(await train(sandbox, 'fruits --register others')).toMatchObject({
      bundle: before.bundle,
    })
  })

  it('may name a new label, and spell a known one otherwise', async () => {
    const [quince] = await correct(
      [await drawFruit('plum', 79), 'Quince'],
      [await drawFruit('plum', 80), 'PLUM'],
    )
    const { labels, settings, findings } = await train(sandbox, 'fruits --register fruits')
    expect(labels).toEqual(['Quince', 'apple', 'banana', 'plum'])
    expect(settings.photosPerLabel).toEqual([1, 12, 13, 14])
    expect(findings).toMatchObject([{ kind: 'few-photos', paths: [`corrections/${quince}`] }])
  })
})

describe('the dataset version of a training', () => {
  it('holds the corrected photos, and is trained again from its id', async () => {
    const first = await train(sandbox, 'fruits --register fruits')
    // What was seen of them is forgotten, so that they are looked at again.
    rmSync(join(home, 'cache'), { recursive: true })
    const { bundle, findings, labels } = await train(sandbox, first.settings.dataset)
    expect({ bundle, labels }).toEqual({ bundle: first.bundle, labels: first.labels })
    expect(findings.filter(({ kind }) => kind === 'broken')).toEqual([])
    rmSync(join(home, 'cache'), { recursive: true })
    const evaluated = await sandbox.run(
      `cd "$SANDBOX" && verger evaluate --model fruits --dataset ${first.settings.dataset} --json`,
    )
    expect(evaluated).toMatchObject({ exit: 0 })
    expect(JSON.parse(evaluated.stdout).dataset.photos).toBe(first.settings.photos)
  })
})

describe('a corrected photo that helps nobody', () => {
  it('stands under another label in the dataset: it is left out there too, and said', async () => {
    const photo = readFileSync(join(sandbox.folder, 'fruits/apple/3.jpg'))
    const [hash] = await correct([photo, 'banana'])
    const { findings, settings, labels } = await train(sandbox, 'fruits --register fruits')
    expect(findings.find(({ kind }) => kind === 'two-labels')?.paths).toEqual([
      'apple/3.jpg',
      `corrections/${hash}`,
    ])
    expect(settings.photosPerLabel[labels.indexOf('apple')]).toBe(11)
  })

  it('is damaged on disk, or gone: it is a finding, and the others are learned', async () => {
    const [hash = '', gone = ''] = await correct(
      [await drawFruit('plum', 81), 'plum'],
      [await drawFruit('plum', 82), 'plum'],
    )
    const pathOf = (sha256: string) => join(home, 'blobs', sha256.slice(0, 2), sha256.slice(2))
    writeFileSync(pathOf(hash), 'something else')
    rmSync(pathOf(gone))
    const { findings, settings, labels } = await train(sandbox, 'fruits --register fruits')
    const broken = findings.filter(({ kind }) => kind === 'broken')
    expect(broken.map(({ paths, error }) => [...paths, error?.code])).toEqual([
      [`corrections/${hash}`, 'blob_damaged'],
      [`corrections/${gone}`, 'blob_missing'],
    ])
    expect(settings.photosPerLabel[labels.indexOf('plum')]).toBe(14)
  })
})
