/** The preview of a fine-tuning shows what its workers would make of the same photos in the same epochs. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readConfig } from '../../dist/core/config.js'
import { sha256 } from '../../dist/core/hashes.js'
import { openAugmenter } from '../../dist/features/augmented-photos.js'
import { pictureOf } from '../../dist/images/thumbnail.js'
import { toAugment } from '../../dist/training/fine-tune/batches.js'
import type { PreviewReport } from '../../src/training/report.ts'
import { createSandbox, type Sandbox } from '../cli/verger.ts'
import { writeSmallDataset } from '../support/small-dataset.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = createSandbox()
  await writeSmallDataset(join(sandbox.folder, 'fruits'), { photosPerLabel: 3 })
})
afterAll(() => sandbox.remove())

const run = (line: string) => sandbox.run(`cd "$SANDBOX" && verger train ${line}`)

function readSheet(name: string): PreviewReport {
  const html = readFileSync(join(sandbox.folder, name), 'utf8')
  const [, json = ''] =
    /<script type="application\/json" id="data">(.+?)<\/script>/.exec(html) ?? []
  return JSON.parse(json)
}

it('shows each label as the first epochs of a training see it', async () => {
  const { stdout, exit } = await run('fruits --preview sheet.html --seed 5 --json')
  expect(exit).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    ...{ size: 192, seed: 5, epochs: 7 },
    photos: ['apple', 'banana', 'plum'].map((label) => ({ label, path: `${label}/0.jpg` })),
  })
  const { rows, size } = readSheet('sheet.html')
  const load = join(sandbox.folder, 'fruits/plum/0.jpg')
  const bytes = readFileSync(load)
  const photo = { path: 'plum/0.jpg', label: 'plum', load, sha256: sha256(bytes) }
  const photos = [{ ...photo, sizeBytes: bytes.length, width: 96, height: 96 }]
  const turns = [0, 1, 2, 3, 4, 5, 6].map((epoch) => ({ row: 0, epoch }))
  const augmenter = openAugmenter({ size, workers: 1, limits: readConfig({}).limits })
  try {
    const perPhoto = size * size * 3
    const levels = await augmenter.run(await toAugment({ photos, seed: 5 }, turns))
    const seen = turns.map((_, place) => {
      const data = levels.subarray(place * perPhoto, (place + 1) * perPhoto)
      return pictureOf({ data, width: size, height: size })
    })
    expect(rows[2]?.epochs).toEqual(await Promise.all(seen))
  } finally {
    await augmenter.close()
  }
})

it('leaves out what a training does not learn from', async () => {
  const folder = join(sandbox.folder, 'sides')
  const rows = ['apple', 'banana', 'plum'].flatMap((label) => {
    mkdirSync(join(folder, label), { recursive: true })
    return [0, 1, 2].map((at) => {
      const path = `${label}/${at}.jpg`
      copyFileSync(join(sandbox.folder, 'fruits', path), join(folder, path))
      return `${path},${label},${at === 2 ? 'train' : 'test'}`
    })
  })
  // Its header is whole, so that only who decodes it finds out.
  const whole = readFileSync(join(folder, 'apple/2.jpg'))
  writeFileSync(join(folder, 'apple/2.jpg'), whole.subarray(0, whole.length / 2))
  writeFileSync(join(folder, 'photos.csv'), `path,label,split\n${rows.join('\n')}\n`)
  expect(await run('sides/photos.csv --preview sides.html')).toMatchObject({ exit: 0 })
  const shown = readSheet('sides.html').rows.map(({ path }) => path)
  expect(shown).toEqual(['banana/2.jpg', 'plum/2.jpg'])
})

it('is refused where nothing is left to learn from', async () => {
  const rows = ['apple', 'banana'].flatMap((label) =>
    [0, 1].map((at) => `${label}/${at}.jpg,${label},test`),
  )
  writeFileSync(join(sandbox.folder, 'fruits/test.csv'), `path,label,split\n${rows.join('\n')}\n`)
  const { stderr, exit } = await run('fruits/test.csv --preview none.html')
  expect(exit).toBe(1)
  expect(stderr).toContain('Expected photos to learn from, received 0')
})
