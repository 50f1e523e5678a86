/** Fine-tuning as a whole: the same photos give the same bundle, and bad photos do no harm. */
import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EvaluationReport } from '../../src/training/report.ts'
import { createSandbox, type Sandbox } from '../cli/verger.ts'
import { keepTinyBackbone } from '../support/keep-tiny-backbone.ts'
import { FRUIT_LABELS, writeSmallDataset } from '../support/small-dataset.ts'
import { type TrainingResult, train } from '../support/training.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = createSandbox()
  await writeSmallDataset(join(sandbox.folder, 'fruits'))
})
afterAll(() => sandbox.remove())

const LONG_MS = 180_000
/** What a reader believes of a report: what is counted, and what follows from scores, which float32 rounds. */
const COUNTED = ['accuracy', 'macroF1', 'topK', 'decisions', 'perLabel'] as const
const SCORED = ['calibration', 'rejection'] as const

const numbersIn = (value: unknown): number[] =>
  typeof value === 'number' ? [value] : Object.values(value as object).flatMap(numbersIn)

const TUNE = '--mode fine-tune --backbone tiny'

/** A home of its own with the tiny backbone in it. */
async function homeWithTiny(name: string, gain = 1): Promise<Readonly<Record<string, string>>> {
  const home = join(sandbox.folder, name)
  mkdirSync(home)
  await keepTinyBackbone(home, { gain })
  return { VERGER_HOME: home }
}

/** Checkpoints and locks that are left below a home. */
const leftBehind = ({ VERGER_HOME = '' }: Readonly<Record<string, string>>) => {
  const folder = join(VERGER_HOME, 'cache/fine-tuning')
  return existsSync(folder) ? readdirSync(folder) : []
}

describe('a fine-tuning', () => {
  let env: Readonly<Record<string, string>>
  let trained: TrainingResult
  beforeAll(async () => {
    env = await homeWithTiny('ordinary')
    trained = await train(sandbox, `fruits ${TUNE} --register fruits`, env)
  }, LONG_MS)

  it(
    'gives the same bundle again, and another for another seed',
    async () => {
      const elsewhere = await homeWithTiny('again')
      expect((await train(sandbox, `fruits ${TUNE}`, elsewhere)).bundle).toBe(trained.bundle)
      expect((await train(sandbox, `fruits ${TUNE} --seed 2`, elsewhere)).bundle).not.toBe(
        trained.bundle,
      )
      expect(leftBehind(elsewhere)).toEqual([])
    },
    LONG_MS,
  )

  it(
    'is measured again by evaluate, to the figures of its report',
    async () => {
      const rows = FRUIT_LABELS.flatMap((label) =>
        Array.from(
          { length: 12 },
          (_, at) => `${label}/${at}.jpg,${label},${at < 4 ? 'test' : 'train'}`,
        ),
      )
      const manifest = join(sandbox.folder, 'fruits/sides.csv')
      writeFileSync(manifest, `path,label,split\n${rows.join('\n')}\n`)
      await train(sandbox, `fruits/sides.csv ${TUNE} --register sides`, env)
      const read = async (line: string): Promise<EvaluationReport> => {
        const { stdout, stderr, exit } = await sandbox.run(`cd "$SANDBOX" && verger ${line}`, env)
        expect(exit, stderr).toBe(0)
        return JSON.parse(stdout)
      }
      const report = await read('versions report sides --json')
      const again = await read('evaluate --model sides --dataset fruits/sides.csv --json')
      expect(report.training?.tuning?.keptEpoch).toBeGreaterThan(0)
      expect(again.dataset.photos).toBe(12)
      for (const figures of COUNTED) expect(again[figures]).toEqual(report[figures])
      const cellsOf = ({ confusion }: EvaluationReport) =>
        confusion.map(({ actual, predicted, count }) => [actual, predicted, count])
      expect(cellsOf(again)).toEqual(cellsOf(report))
      for (const figures of SCORED) {
        const expected = numbersIn(report[figures])
        for (const [place, number] of numbersIn(again[figures]).entries()) {
          expect(number).toBeCloseTo(expected[place] ?? Number.NaN, 6)
        }
      }
    },
    LONG_MS,
  )

  it('answers, is measured and exported as any other version', async () => {
    const run = (line: string) => sandbox.run(`cd "$SANDBOX" && ${line}`, env)
    const predicted = await run('verger predict fruits/apple/0.jpg --model fruits --json')
    expect(predicted).toMatchObject({ exit: 0 })
    const evaluated = await run('verger evaluate --model fruits --dataset fruits --json')
    expect(evaluated).toMatchObject({ exit: 0 })
    expect(JSON.parse(evaluated.stdout).model.backbone).toMatch(/^tiny-tuned-[0-9a-f]{12}$/)
    for (const format of ['onnx', 'saved-model']) {
      const exported = await run(`verger export fruits --format ${format} --out ${format}`)
      expect(exported).toMatchObject({ exit: 0 })
    }
  })

  it(
    'beside the same one on one home gives the same bundle twice',
    async () => {
      const both = await homeWithTiny('both')
      const [one, other] = await Promise.all([
        train(sandbox, `fruits ${TUNE}`, both),
        train(sandbox, `fruits ${TUNE}`, both),
      ])
      expect([one.bundle, other.bundle]).toEqual([trained.bundle, trained.bundle])
    },
    LONG_MS,
  )
})

describe('bad photos', () => {
  let env: Readonly<Record<string, string>>
  beforeAll(async () => {
    env = await homeWithTiny('bad')
  })

  const refused = async (dataset: string) => {
    const line = `cd "$SANDBOX" && exec verger train ${dataset} ${TUNE} --json`
    const { stderr, exit } = await sandbox.run(line, env)
    expect(exit).toBe(1)
    return stderr
  }

  it('of one label are refused', async () => {
    await writeSmallDataset(join(sandbox.folder, 'one'), { labels: ['apple'] })
    expect(await refused('one')).toContain("received only 'apple'")
  })

  it('that are all the same are refused', async () => {
    const photo = await sharp({
      create: { width: 64, height: 64, channels: 3, background: 'red' },
    })
      .jpeg()
      .toBuffer()
    for (const label of ['a', 'b']) {
      mkdirSync(join(sandbox.folder, 'same', label), { recursive: true })
      for (const name of ['1.jpg', '2.jpg', '3.jpg']) {
        writeFileSync(join(sandbox.folder, 'same', label, name), photo)
      }
    }
    expect(await refused('same')).toContain('dataset_untrainable')
  })

  it(
    'that are all black are learned from as far as they go',
    async () => {
      for (const label of ['a', 'b']) {
        mkdirSync(join(sandbox.folder, 'black', label), { recursive: true })
        for (let at = 0; at < 12; at++) {
          const side = 40 + at + (label === 'a' ? 0 : 100)
          const photo = sharp({
            create: { width: side, height: side, channels: 3, background: 'black' },
          })
          writeFileSync(
            join(sandbox.folder, 'black', label, `${at}.png`),
            await photo.png().toBuffer(),
          )
        }
      }
      const line = `cd "$SANDBOX" && exec verger train black ${TUNE} --json`
      const { stdout, stderr, exit } = await sandbox.run(line, env)
      if (exit === 0) expect(JSON.parse(stdout).accuracy.value).toBeLessThan(0.9)
      else expect(stderr).toContain('dataset_untrainable')
    },
    LONG_MS,
  )

  it(
    'of which a label has one are learned from',
    async () => {
      await writeSmallDataset(join(sandbox.folder, 'single'), { labels: ['apple', 'banana'] })
      await writeSmallDataset(join(sandbox.folder, 'single'), {
        labels: ['plum'],
        photosPerLabel: 1,
      })
      expect((await train(sandbox, `single ${TUNE}`, env)).labels).toEqual(FRUIT_LABELS)
    },
    LONG_MS,
  )

  it(
    'of a label that the validation side lacks are learned from',
    async () => {
      const paths = await writeSmallDataset(join(sandbox.folder, 'sides'))
      const rows = paths.map((path) => {
        const [label = '', name = ''] = path.split('/')
        const isHeld = label !== 'plum' && Number.parseInt(name, 10) >= 8
        return `${path},${label},${isHeld ? 'validation' : 'train'}`
      })
      writeFileSync(
        join(sandbox.folder, 'sides/photos.csv'),
        `path,label,split\n${rows.join('\n')}\n`,
      )
      const { labels } = await train(sandbox, `sides/photos.csv ${TUNE}`, env)
      expect(labels).toEqual(FRUIT_LABELS)
    },
    LONG_MS,
  )

  it(
    'of a label that nothing is learned from leave the frozen features',
    async () => {
      const paths = await writeSmallDataset(join(sandbox.folder, 'unlearned'))
      const rows = paths.map((path) => {
        const [label = '', name = ''] = path.split('/')
        const isHeld = label === 'plum' || Number.parseInt(name, 10) >= 8
        return `${path},${label},${isHeld ? 'validation' : 'train'}`
      })
      const manifest = `path,label,split\n${rows.join('\n')}\n`
      writeFileSync(join(sandbox.folder, 'unlearned/photos.csv'), manifest)
      const line = `cd "$SANDBOX" && exec verger train unlearned/photos.csv ${TUNE}`
      const { stdout, exit } = await sandbox.run(line, env)
      expect(exit).toBe(0)
      expect(stdout).toContain(
        'Frozen features stay: all photos of plum stand on a side that is not learned from\n',
      )
    },
    LONG_MS,
  )

  it(
    'of which a fifth stands under a wrong label leave most answers right',
    async () => {
      const folder = join(sandbox.folder, 'wrong')
      await writeSmallDataset(folder, { photosPerLabel: 20 })
      for (const [index, label] of FRUIT_LABELS.entries()) {
        const other = FRUIT_LABELS[(index + 1) % FRUIT_LABELS.length] ?? label
        for (const at of [0, 1, 2, 3]) {
          renameSync(
            join(folder, label, `${at}.jpg`),
            join(folder, other, `wrong-${label}-${at}.jpg`),
          )
        }
      }
      const { folder: bundle } = await train(sandbox, 'wrong --mode fine-tune --size 64', env)
      const line = `cd "$SANDBOX" && exec verger evaluate --bundle ${bundle} --dataset fruits --json`
      const { stdout } = await sandbox.run(line, env)
      expect(JSON.parse(stdout).accuracy.value).toBeGreaterThan(0.7)
    },
    2 * LONG_MS,
  )
})

it(
  'in 8 bit is tried with the network that was fine-tuned',
  async () => {
    const env = await homeWithTiny('rounded')
    const line = `cd "$SANDBOX" && verger train fruits ${TUNE} --precision int8 --register fruits`
    const { stdout, exit } = await sandbox.run(line, env)
    expect(exit).toBe(0)
    expect(stdout).toMatch(/\n {2}epoch (.|\n)*\n8 bit on 18 photos: cosine of features/)
    expect(leftBehind(env)).toEqual([])
  },
  LONG_MS,
)

describe('weights so large', () => {
  it('that the loss is no number end the fine-tuning, and the frozen features stay', async () => {
    const env = await homeWithTiny('overflowing', 1e30)
    const { stdout, stderr, exit } = await sandbox.run(
      `cd "$SANDBOX" && exec verger train fruits ${TUNE} --json`,
      env,
    )
    expect(exit).toBe(0)
    expect(stderr).toContain('Stopped at step 1: the loss, its gradient or an answer is no number')
    expect(stderr).toContain('Frozen features stay: at step 1 the loss')
    const { tuning, notes, comparison } = JSON.parse(stdout)
    expect(tuning).toMatchObject({ divergedAt: 1, epochs: [] })
    expect(notes[0]).toMatch(/^Not fine-tuned: at step 1 the loss/)
    expect(comparison).toBeNull()
    expect(leftBehind(env)).toEqual([])
  })

  it('that features are no numbers are said to be', async () => {
    const env = await homeWithTiny('infinite', 3e38)
    const { stderr, exit } = await sandbox.run(
      `cd "$SANDBOX" && exec verger train fruits ${TUNE}`,
      env,
    )
    expect(exit).toBe(1)
    expect(stderr).toContain(
      'Expected numbers as features, received some from tiny that are none or too large [backbone_damaged]',
    )
  })
})
