/** Training as a whole: the same photos give the same bundle, and what goes on beside it does no harm. */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readBundleFolder, verifyBundle } from '../../dist/bundles/verify-bundle.js'
import { createRandom } from '../../src/learn/random.ts'
import { createSandbox, type Sandbox } from '../cli/verger.ts'
import { createZip } from '../support/archives.ts'
import { writeSmallDataset } from '../support/small-dataset.ts'
import { readWholeHome, train } from '../support/training.ts'

let sandbox: Sandbox
let paths: string[]
beforeAll(async () => {
  sandbox = createSandbox()
  paths = await writeSmallDataset(join(sandbox.folder, 'fruits'))
})
afterAll(() => sandbox.remove())

const homeOf = (name: string) => join(sandbox.folder, name)

describe('the id of a bundle', () => {
  it('follows from the photos and the seed alone', async () => {
    const { bundle } = await train(sandbox, 'fruits')
    const copy = join(sandbox.folder, 'elsewhere/photos')
    cpSync(join(sandbox.folder, 'fruits'), copy, { recursive: true })
    const files = paths.map((path) => ({ path, content: readFileSync(join(copy, path)) }))
    writeFileSync(join(sandbox.folder, 'packed.zip'), createZip(files))

    const again = { VERGER_HOME: homeOf('again') }
    expect(await train(sandbox, 'elsewhere/photos', again)).toMatchObject({ bundle })
    expect(await train(sandbox, 'packed.zip')).toMatchObject({ bundle })
    expect((await train(sandbox, 'fruits --seed 2')).bundle).not.toBe(bundle)
  })
})

describe('two trainings at once on one home', () => {
  it('both end well, with a version each', async () => {
    const env = { VERGER_HOME: homeOf('both') }
    const [one, other] = await Promise.all([
      train(sandbox, 'fruits --register fruits --seed 1', env),
      train(sandbox, 'fruits --register fruits --seed 2', env),
    ])
    expect([one.version, other.version].sort()).toEqual(['v1', 'v2'])
    const there = await readWholeHome(env.VERGER_HOME, 'fruits')
    expect(there.get(one.version ?? '')).toBe(one.bundle)
    expect(there.get(other.version ?? '')).toBe(other.bundle)
  })

  it('that give the same bundle share its folder', async () => {
    const env = { VERGER_HOME: homeOf('same') }
    const [one, other] = await Promise.all([
      train(sandbox, 'fruits', env),
      train(sandbox, 'fruits', env),
    ])
    expect(other).toMatchObject({ bundle: one.bundle, folder: one.folder })
    expect(readdirSync(join(env.VERGER_HOME, 'bundles'))).toEqual([one.bundle.slice(0, 12)])
    verifyBundle(await readBundleFolder(one.folder ?? ''))
  })
})

describe('a bundle folder that was damaged', () => {
  it('is not taken for the bundle', async () => {
    const { folder } = await train(sandbox, 'fruits --out bundle')
    writeFileSync(join(folder ?? '', 'head.safetensors'), 'x')
    const line = 'cd "$SANDBOX" && verger train fruits --out bundle'
    const { stderr, exit } = await sandbox.run(line)
    expect(stderr).toContain('[bundle_exists]')
    expect(stderr).toMatch(/The trained bundle is kept in (\S+)\n$/)
    expect(exit).toBe(1)
    const kept = /kept in (\S+)\n$/.exec(stderr)?.[1] ?? ''
    verifyBundle(await readBundleFolder(kept))
  })
})

describe('training in 8 bit', () => {
  it('takes a backbone of its own where it serves, and says which and why', async () => {
    const { folder } = await train(sandbox, 'fruits --precision int8 --out rounded')
    const manifest = JSON.parse(readFileSync(join(folder ?? '', 'bundle.json'), 'utf8'))
    const report = JSON.parse(readFileSync(join(folder ?? '', 'report.json'), 'utf8'))
    const [note] = report.training.notes
    if (manifest.backbone.id === 'efficientnet-lite0') {
      expect(note).toMatch(/^Computed in float32, not in 8 bit: .+/)
      expect(report.comparison).toBeUndefined()
    } else {
      expect(manifest.backbone.id).toMatch(/^efficientnet-lite0-int8-[0-9a-f]{12}$/)
      expect(note).toMatch(/^Computed in 8 bit: features keep a mean cosine of 0\.99\d/)
      expect(report.comparison.other).toMatchObject({ backbone: 'efficientnet-lite0' })
    }
    const answer = await sandbox.run(
      'cd "$SANDBOX" && verger predict fruits/plum/1.jpg --bundle rounded --json',
    )
    expect(JSON.parse(answer.stdout)).toMatchObject([{ top: [{ label: 'plum' }, {}, {}] }])
  })

  it('is refused for views of several sides, which is said', async () => {
    const { folder } = await train(
      sandbox,
      'fruits --precision int8 --views multi-scale --out several',
    )
    const report = JSON.parse(readFileSync(join(folder ?? '', 'report.json'), 'utf8'))
    expect(report.training.notes[0]).toContain('made for one side')
  })
})

describe('features from inside the network', () => {
  it('make a backbone of their own, once, which answers', async () => {
    const { folder } = await train(sandbox, 'fruits --features block9/project --out inner')
    const manifest = JSON.parse(readFileSync(join(folder ?? '', 'bundle.json'), 'utf8'))
    expect(manifest.backbone).toMatchObject({
      id: 'efficientnet-lite0-block9-project',
      features: 112,
    })
    const answer = await sandbox.run(
      'cd "$SANDBOX" && verger predict fruits/plum/1.jpg --bundle inner --json',
    )
    expect(JSON.parse(answer.stdout)).toMatchObject([{ top: [{ label: 'plum' }, {}, {}] }])
    const again = await train(sandbox, 'fruits --features block9/project --out inner')
    expect(again.bundle).toBe(JSON.parse(answer.stdout)[0].bundle)
  })

  it('are refused from a layer that is not there, naming those that are', async () => {
    const line = 'cd "$SANDBOX" && verger train fruits --features block99'
    const { stderr, exit } = await sandbox.run(line)
    expect(stderr).toContain("received 'block99' [usage_invalid]")
    expect(stderr).toContain('block9/{expand,depthwise,project}')
    expect(exit).toBe(2)
  })
})

describe('500 labels with two photos each', () => {
  it('are learned', async () => {
    await writeTiles(join(sandbox.folder, 'tiles'), 500)
    const { labels, accuracy, settings } = await train(sandbox, 'tiles --size 96')
    expect(labels).toHaveLength(500)
    expect(settings.photos).toBe(1000)
    // By chance 0.2 % would be right.
    expect(accuracy.value).toBeGreaterThan(0.2)
  }, 180_000)
})

/** Two photos of each label: stripes of its own in two colours of its own, moved a little and lighter in the second. */
async function writeTiles(folder: string, labels: number): Promise<void> {
  const side = 24
  for (let label = 0; label < labels; label++) {
    const path = join(folder, `tile-${label}`)
    mkdirSync(path, { recursive: true })
    const random = createRandom(label)
    const colours = [0, 1].map(() => [0, 1, 2].map(() => random.integer(240)))
    const [across, down] = [random.integer(5), 1 + random.integer(5)]
    for (const shift of [0, 2]) {
      const pixels = Uint8Array.from({ length: side * side * 3 }, (_, index) => {
        const [x, y] = [Math.floor(index / 3) % side, Math.floor(index / 3 / side)]
        const isLight = (((x + shift) * across + y * down) >> 4) % 2
        return (colours[isLight]?.[index % 3] ?? 0) + 4 * shift
      })
      const raw = { width: side, height: side, channels: 3 } as const
      await sharp(pixels, { raw })
        .png()
        .toFile(join(path, `${shift}.png`))
    }
  }
}
