import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { packagePath } from '../../src/core/version.ts'
import { renderReport } from '../../src/training/render-report.ts'
import type {
  DatasetReport,
  EvaluationReport,
  PreviewReport,
  TuningReport,
} from '../../src/training/report.ts'
import { LOW_CONTRAST, OVERFLOW_WIDTH, styleOf } from './in-page.ts'
import {
  createDatasetCheck,
  createEvaluation,
  createPreview,
  createTuning,
  FRUITS,
  MARKET,
  NASTY_LABELS,
} from './report-data.ts'
import { openBrowser, visit } from './support.ts'

const MANY = Array.from({ length: 500 }, (_, index) => `label-${index}`)

type Report = EvaluationReport | DatasetReport | PreviewReport

let browser: Browser
let folder: string
const reports = new Map<string, Report>()

beforeAll(async () => {
  browser = await openBrowser()
  folder = await mkdtemp(join(tmpdir(), 'verger-report-'))
  const nine = { labels: FRUITS, photosPerLabel: 60, errorRate: 0.12, hasComparison: true }
  reports.set('nine', await createEvaluation(nine))
  reports.set('market', await createEvaluation({ ...nine, labels: MARKET, photosPerLabel: 20 }))
  reports.set('many', await createEvaluation({ ...nine, labels: MANY, photosPerLabel: 6 }))
  reports.set('nasty', await createEvaluation({ ...nine, labels: NASTY_LABELS, errorRate: 0.3 }))
  reports.set(
    'flawless',
    await createEvaluation({
      labels: ['cat', 'dog'],
      photosPerLabel: 20,
      errorRate: 0,
      hasThumbnails: false,
    }),
  )
  const none = { photos: 0, precision: 0, recall: 0, f1: 0 }
  const perLabel = evaluation('nine').perLabel.map((figures) =>
    figures.label === FRUITS[0] ? { ...figures, ...none } : figures,
  )
  reports.set('unmeasured', { ...evaluation('nine'), perLabel })
  reports.set('dataset', await createDatasetCheck(FRUITS))
  reports.set('nasty-dataset', await createDatasetCheck(NASTY_LABELS))
  const tuned = (tuning: TuningReport) => createEvaluation({ ...nine, tuning })
  reports.set('tuned', await tuned(createTuning(8)))
  const { keptEpoch: _, ...stopped } = createTuning(1, { divergedAt: 31 })
  reports.set('stopped', await tuned(stopped))
  reports.set('preview', await createPreview(FRUITS))
  reports.set('nasty-preview', await createPreview(NASTY_LABELS))
  for (const [name, report] of reports) {
    await writeFile(join(folder, `${name}.html`), renderReport(report))
  }
})

afterAll(async () => {
  await browser?.close()
  if (folder !== undefined) await rm(folder, { recursive: true })
})

function evaluation(name: string): EvaluationReport {
  const report = reports.get(name)
  if (report?.kind !== 'evaluation') throw new Error(`Expected an evaluation named ${name}`)
  return report
}

/** Opens a report from its file; fails when the console is not quiet. */
function onReport(
  name: string,
  body: (page: Page) => Promise<void>,
  options: BrowserContextOptions = {},
): Promise<void> {
  return visit({ browser, url: pathToFileURL(join(folder, `${name}.html`)).href, options }, body)
}

const textsOf = (locator: Locator) => locator.allTextContents()
const rowLabels = (page: Page) => textsOf(page.locator('.labels tbody th'))
const cell = (page: Page, name: string | RegExp) =>
  page.locator('.matrix').first().getByRole('button', { name })

/** The cell off the diagonal with the most photos, and how it is described. */
function worstCell({ confusion, labels }: EvaluationReport) {
  const [worst] = confusion
    .filter(({ actual, predicted }) => actual !== predicted)
    .toSorted((a, b) => b.count - a.count)
  if (worst === undefined) throw new Error('Expected an error among the answers, found none')
  return { ...worst, is: labels[worst.actual] ?? '', said: labels[worst.predicted] ?? '' }
}

describe('the file', () => {
  test('is small before figures are written into it', async () => {
    const { size } = await stat(packagePath('web/report/dist/report.html'))
    expect(size).toBeLessThan(120_000)
  })

  test('asks for nothing but itself', async () => {
    const context = await browser.newContext()
    const page = await context.newPage()
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    const url = pathToFileURL(join(folder, 'nine.html')).href
    await page.goto(url)
    await page.getByRole('heading', { level: 1 }).waitFor()
    expect(asked.filter((one) => !one.startsWith('data:'))).toEqual([url])
    await context.close()
  })

  test('forbids every script and style but its own', async () => {
    const html = await readFile(join(folder, 'nine.html'), 'utf8')
    const [, policy = ''] = /Content-Security-Policy" content="([^"]+)"/.exec(html) ?? []
    expect(policy).toMatch(/^default-src 'none'; img-src data:; script-src 'sha256-[^']+'; style/)
    expect(policy).not.toContain('unsafe')
  })

  test.each(['nasty', 'nasty-dataset', 'nasty-preview'])(
    'shows labels that look like markup as they are: %s',
    (name) =>
      onReport(name, async (page) => {
        expect(await page.locator('img[src="x"], #app script').count()).toBe(0)
        for (const label of NASTY_LABELS) {
          await page.getByText(label, { exact: true }).first().waitFor()
        }
      }),
  )
})

describe('an evaluation', () => {
  test('starts with its figures, its photos and its cautions', () =>
    onReport('nine', async (page) => {
      const { accuracy, dataset } = evaluation('nine')
      await page.getByRole('heading', { level: 1, name: 'fruits/v2' }).waitFor()
      const figures = page.getByRole('region', { name: 'The figures in short' })
      const [value] = await textsOf(figures.locator('.headline-value'))
      expect(value).toBe(`${(accuracy.value * 100).toFixed(1)}\u00a0%`)
      await page.getByText(`Measured on ${dataset.photos} photos and 9 labels`).waitFor()
      await page
        .getByRole('complementary', { name: 'Cautions' })
        .getByText(dataset.cautions[0] ?? '')
        .waitFor()
    }))

  test('every link at the top leads to a part of the page', () =>
    onReport('nine', async (page) => {
      const links = page.getByRole('navigation').getByRole('link')
      const targets = await links.evaluateAll((all) => all.map((link) => link.getAttribute('href')))
      expect(targets.length).toBe(6)
      for (const target of targets) expect(await page.locator(target ?? '').count()).toBe(1)
    }))

  test('begins with the photos of its worst confusion', () =>
    onReport('nine', async (page) => {
      const { is, said, count, photos } = worstCell(evaluation('nine'))
      await page
        .getByRole('heading', { name: `${count} photos of ${is} taken for ${said}` })
        .waitFor()
      expect(await page.locator('.cell-photos figure').count()).toBe(photos.length)
    }))

  test('a pressed cell shows its photos', () =>
    onReport('nine', async (page) => {
      await cell(page, /^\d+ photos? of orange recognised$/).click()
      await page.getByRole('heading', { name: /^\d+ photos of orange recognised$/ }).waitFor()
      const paths = await textsOf(page.locator('.cell-photos .path'))
      expect(paths.length).toBe(12)
      for (const path of paths) expect(path).toMatch(/^orange\/orange_\d+\.jpg$/)
      await page.getByText(/; 12 of the \d+ shown here\.$/).waitFor()
    }))

  test('one Tab reaches the matrix, arrow keys its other cells', () =>
    onReport('nine', async (page) => {
      const { is, said } = worstCell(evaluation('nine'))
      expect(await page.locator('.matrix .cell[tabindex="0"]').count()).toBe(1)
      await cell(page, new RegExp(`of ${is} taken for ${said}$`)).focus()
      await page.keyboard.press('ArrowDown')
      const focused = page.locator('.cell:focus')
      expect(await focused.getAttribute('aria-label')).toMatch(new RegExp(`of ${said} recognised$`))
      await page.getByRole('heading', { name: new RegExp(`of ${said} recognised$`) }).waitFor()
    }))

  test('cells without photos are empty', () =>
    onReport('nine', async (page) => {
      const { confusion } = evaluation('nine')
      expect(await page.locator('.matrix .cell').count()).toBe(confusion.length)
      expect(await page.locator('.matrix tbody td:empty').count()).toBe(81 - confusion.length)
    }))

  test('more than forty labels get an excerpt and a map of all', () =>
    onReport('market', async (page) => {
      const report = evaluation('market')
      await page.getByRole('heading', { name: 'The 16 most confused labels' }).waitFor()
      await page.getByRole('heading', { name: 'All 81 labels' }).waitFor()
      const map = page.getByRole('application')
      expect(await map.locator('rect[class*="right-"], rect[class*="wrong-"]').count()).toBe(
        report.confusion.length,
      )
      const box = await map.locator('svg').boundingBox()
      const side = (box?.width ?? 0) / 81
      const right = report.confusion.find((one) => one.actual === 70 && one.predicted === 70)
      if (right === undefined) throw new Error('Expected a photo of label 70 to be recognised')
      const centre = 70.5 * side
      await map.locator('svg').click({ position: { x: centre, y: centre } })
      const name = `${right.count} photos of ${report.labels[70]} recognised`
      await page.getByRole('heading', { name }).waitFor()
      await map.focus()
      await page.keyboard.press('ArrowUp')
      expect(await page.getByRole('heading', { name }).count()).toBe(0)
    }))

  test('the slider of the rejection curve says what a threshold buys', () =>
    onReport('nine', async (page) => {
      const slider = page.getByRole('slider')
      const before = await slider.getAttribute('aria-valuetext')
      await slider.focus()
      await page.keyboard.press('Home')
      const surest = evaluation('nine').rejection[0]
      const shares = [surest?.coverage, surest?.threshold, surest?.accuracy]
      const numbers = shares.map((share) => ((share ?? 0) * 100).toFixed(1))
      const text = (await slider.getAttribute('aria-valuetext')) ?? ''
      expect(text).not.toBe(before)
      for (const number of numbers) expect(text).toContain(`${number}\u00a0%`)
    }))

  test('a pointer over the reliability diagram reads its bin', () =>
    onReport('nine', async (page) => {
      const chart = page.getByRole('img', { name: /^Reliability diagram/ })
      await chart.scrollIntoViewIfNeeded()
      const box = await chart.boundingBox()
      await chart.hover({ position: { x: (box?.width ?? 0) - 30, y: 100 } })
      const last = evaluation('nine').calibration.bins.at(-1)
      await page.getByText(`Score 93 to 100\u00a0%: ${last?.count} photos`).waitFor()
    }))

  test('errors are shown surest first, and more of them when asked', () =>
    onReport('nine', async (page) => {
      const report = evaluation('nine')
      const errors = page.locator('#errors')
      const first = report.photos[report.confidentErrors[0] ?? -1]
      const [caption] = await textsOf(errors.locator('figcaption'))
      expect(caption).toContain(`said ${report.labels[first?.predicted ?? -1]}`)
      expect(caption).toContain(`is ${report.labels[first?.actual ?? -1]}`)
      expect(await errors.locator('figure').count()).toBe(24)
      await errors.getByRole('button', { name: /^Show \d+ more$/ }).click()
      expect(await errors.locator('figure').count()).toBe(report.confidentErrors.length)
    }))

  test('paths are copied one a line', () =>
    onReport(
      'nine',
      async (page) => {
        const errors = page.locator('#errors')
        await errors.getByRole('button', { name: /^Copy \d+ paths$/ }).click()
        await errors.getByText('Copied').waitFor()
        const copied = await page.evaluate('navigator.clipboard.readText()')
        const { photos, confidentErrors } = evaluation('nine')
        expect(String(copied).split('\n')).toEqual(confidentErrors.map((at) => photos[at]?.path))
      },
      { permissions: ['clipboard-read', 'clipboard-write'] },
    ))

  test('labels are worst first and sort by any column', () =>
    onReport('nine', async (page) => {
      const byF1 = evaluation('nine').perLabel.toSorted((a, b) => a.f1 - b.f1)
      expect(await rowLabels(page)).toEqual(byF1.map(({ label }) => label))
      const heading = (name: string) => page.getByRole('columnheader', { name })
      expect(await heading('F1').getAttribute('aria-sort')).toBe('ascending')
      await page.getByRole('button', { name: 'Label', exact: true }).click()
      expect(await rowLabels(page)).toEqual(FRUITS)
      expect(await heading('Label').getAttribute('aria-sort')).toBe('ascending')
      await page.getByRole('button', { name: 'Label', exact: true }).click()
      expect(await rowLabels(page)).toEqual(FRUITS.toReversed())
      expect(await heading('Label').getAttribute('aria-sort')).toBe('descending')
      expect(await heading('F1').getAttribute('aria-sort')).toBe('none')
    }))

  test('labels of which no photo was measured have no figures and stand last', () =>
    onReport('unmeasured', async (page) => {
      const [label = ''] = FRUITS
      for (const column of ['F1', 'F1', 'Recall', 'Recall']) {
        expect((await rowLabels(page)).at(-1)).toBe(label)
        await page.getByRole('button', { name: column, exact: true }).click()
      }
      const row = page.locator('.labels tbody tr').last()
      expect(await textsOf(row.locator('th, td'))).toEqual([label, '0', '–', '–', '–'])
    }))

  test('a text narrows the labels', () =>
    onReport('market', async (page) => {
      await page.getByLabel('Find a label').fill('GRANNY')
      expect((await rowLabels(page)).toSorted()).toEqual(FRUITS.map((one) => `${one}-Granny_Smith`))
      await page.getByText('9 of 81 labels').waitFor()
      await page.getByLabel('Find a label').fill('durian')
      await page.getByText('No label contains “durian”.').waitFor()
    }))

  test('two versions stand side by side with the test of their difference', () =>
    onReport('nine', async (page) => {
      const section = page.getByRole('region', { name: 'Compared with fruits/v1' })
      await section
        .getByText(/percentage points (more|less)\. Of \d+ photos, \d+ are right/)
        .waitFor()
      await section.getByText('less than once in 1,000 times').waitFor()
      const { comparison } = evaluation('nine')
      const cells = await textsOf(section.locator('.mcnemar tbody td'))
      expect(cells.map(Number)).toEqual([
        comparison?.bothRight,
        comparison?.onlyThisRight,
        comparison?.onlyOtherRight,
        comparison?.bothWrong,
      ])
      const labels = await textsOf(section.locator('.change-label bdi'))
      const changes = (comparison?.perLabel ?? []).map((one) => one.recall - one.otherRecall)
      const named = comparison?.perLabel.map(({ label }) => label) ?? []
      const better = named.filter((_, place) => (changes[place] ?? 0) > 0)
      const worse = named.filter((_, place) => (changes[place] ?? 0) < 0)
      expect(labels).toEqual([...better, ...worse])
      const refused = section.getByRole('row', { name: /^Refused as unknown/ }).locator('td')
      expect((await textsOf(refused))[1]).toMatch(/^4 \(/)
    }))

  test('photos that one version alone has right stand with what both said', () =>
    onReport('nine', async (page) => {
      const { comparison, photos } = evaluation('nine')
      const section = page.getByRole('region', { name: 'Compared with fruits/v1' })
      const first = section.locator('figure.photo').first()
      const place = comparison?.gained[0]?.photo ?? -1
      expect(await textsOf(first.locator('.path'))).toEqual([photos[place]?.path])
      expect(await textsOf(first.locator('.other-said'))).toEqual([
        'fruits/v1: strawberry 62\u00a0%',
      ])
      await section.getByRole('button', { name: 'Show 2 more' }).first().click()
      expect(await section.locator('figure.photo').count()).toBe(14 + 12)
    }))

  test('of settings that were tried twice the later one is marked as chosen', () =>
    onReport('nine', async (page) => {
      const chosen = page.locator('.tried tr.chosen')
      expect(await textsOf(chosen.locator('th, td'))).toEqual([
        'unitchosen',
        '0.001',
        '88.0\u00a0%',
        '0.410',
      ])
    }))

  test('says so when nothing was wrong, and works without pictures', () =>
    onReport('flawless', async (page) => {
      await page.getByText('Nowhere: every photo was recognised.').waitFor()
      await page.getByText('No photo was taken for another label.').waitFor()
      expect(await page.locator('.cell-photos figure').count()).toBe(12)
      expect(await page.getByRole('img', { name: 'Photo of cat (no picture)' }).count()).toBe(12)
      expect(await page.getByText('Compared with').count()).toBe(0)
    }))

  test('five hundred labels are drawn within seconds', () =>
    onReport('many', async (page) => {
      expect((await rowLabels(page)).length).toBe(500)
      const drawnMs = await page.evaluate('performance.now()')
      expect(drawnMs).toBeLessThan(10_000)
    }))
})

describe('the check of a dataset', () => {
  test('groups its findings and shows their photos side by side', () =>
    onReport('dataset', async (page) => {
      await page.getByText('10,720 photos under 9 labels, 96.4\u00a0MB. 46 findings').waitFor()
      const group = page.getByRole('region', { name: 'Under two labels' })
      const [left, right] = await group.locator('figure').all()
      const [leftBox, rightBox] = [await left?.boundingBox(), await right?.boundingBox()]
      expect(leftBox?.y).toBe(rightBox?.y)
      expect(rightBox?.x).toBeGreaterThan(leftBox?.x ?? 0)
      await page.getByText('Stands under apple, looks like banana (97 %).').waitFor()
      await page.getByText('apple/truncated.jpg').waitFor()
    }))

  test('holds back most of many photos until asked', () =>
    onReport('dataset', async (page) => {
      const group = page.getByRole('region', { name: 'Exact duplicates' })
      expect(await group.locator('figure').count()).toBe(6)
      await group.getByRole('button', { name: 'Show 6 of 24 more' }).click()
      expect(await group.locator('figure').count()).toBe(12)
      const near = page.getByRole('region', { name: 'Near duplicates' })
      await near.getByRole('button', { name: 'Show 10 more' }).click()
      expect(await near.locator('article').count()).toBe(40)
    }))

  test('one click selects a whole path', () =>
    onReport('dataset', async (page) => {
      await page.getByText('apple/truncated.jpg').click()
      expect(await page.evaluate('String(getSelection()).trim()')).toBe('apple/truncated.jpg')
    }))

  test('every label has its photos and a bar as long as its share of the largest', () =>
    onReport('dataset', async (page) => {
      const report = reports.get('dataset')
      if (report?.kind !== 'dataset') throw new Error('Expected the check of a dataset')
      const labels = page.locator('.sheet-label')
      expect(await labels.count()).toBe(9)
      const most = Math.max(...report.labels.map(({ photos }) => photos))
      const third = labels.nth(2)
      const track = await third.locator('.track').boundingBox()
      const fill = await third.locator('.fill').boundingBox()
      const share = (report.labels[2]?.photos ?? 0) / most
      expect((fill?.width ?? 0) / (track?.width ?? 1)).toBeCloseTo(share, 1)
      expect(await third.getByRole('img').count()).toBe(4)
    }))
})

describe('a fine-tuning', () => {
  const section = (page: Page) => page.getByRole('region', { name: 'How did the fine-tuning go?' })

  test('says what learned, how long, and which epoch was kept', () =>
    onReport('tuned', async (page) => {
      const { length } = await page.getByRole('navigation').getByRole('link').all()
      expect(length).toBe(7)
      await section(page).getByText('Epoch 4 was kept: with it 77.5\u00a0% of the 108').waitFor()
      const facts = await textsOf(section(page).locator('dd'))
      expect(facts[0]).toBe(
        'efficientnet-lite0 from block7 on, and the classifier; the rest computed in 8 bit meanwhile',
      )
      expect(facts.at(-1)).toBe(
        '3\u00a0min 40\u00a0s with the judging, 53.4 photos a second while learning',
      )
    }))

  test('draws its curves, with the same figures as tables and in words', () =>
    onReport('tuned', async (page) => {
      const curve = section(page).getByRole('img', { name: /^How many were right\?/ })
      expect(await curve.getAttribute('aria-labelledby')).toBeTruthy()
      expect(await curve.locator('.dot-kept').count()).toBe(1)
      await section(page).getByText('The figures as a table').first().click()
      const table = section(page).getByRole('table', { name: 'How many were right?' })
      expect(await textsOf(table.locator('tbody tr').nth(4).locator('th, td'))).toEqual([
        ...['4, kept', '77.5\u00a0%', '87.5\u00a0%'],
      ])
      const box = await curve.boundingBox()
      await curve.hover({ position: { x: (box?.width ?? 0) - 25, y: 100 } })
      await section(page).getByText('Epoch 8: 78.8\u00a0% on validation photos').waitFor()
    }))

  test('that came to nothing says why', () =>
    onReport('stopped', async (page) => {
      await section(page).getByText('No epoch was as good on the 108').waitFor()
      await section(page).getByText('At step 31 the loss').waitFor()
      expect(await section(page).locator('.dot-kept').count()).toBe(0)
    }))
})

describe('the preview of a fine-tuning', () => {
  test('shows a photo of each label, whole and as its epochs see it', () =>
    onReport('preview', async (page) => {
      await page.getByText('A photo of each of its 9 labels, squashed to the 224').waitFor()
      const rows = page.locator('.preview')
      expect(await rows.count()).toBe(9)
      const pictures = rows.first().getByRole('img')
      expect(await pictures.count()).toBe(8)
      const alts = await pictures.evaluateAll((all) => all.map((one) => one.getAttribute('alt')))
      expect(alts.slice(0, 2)).toEqual(['apple, whole', 'apple in epoch 1'])
    }))
})

describe('how it looks', () => {
  const ALL = [
    'nine',
    'market',
    'nasty',
    'flawless',
    'dataset',
    'nasty-dataset',
    'preview',
    'tuned',
    'stopped',
  ] as const

  test.each(ALL)('at 320 pixels nothing of %s scrolls the page to the side', (name) =>
    onReport(
      name,
      async (page) => {
        expect(await page.evaluate(OVERFLOW_WIDTH)).toBe(0)
        for (const summary of await page.locator('summary').all()) await summary.click()
        expect(await page.evaluate(OVERFLOW_WIDTH)).toBe(0)
      },
      { viewport: { width: 320, height: 640 } },
    ),
  )

  test.each(
    ALL.flatMap((name) => (['light', 'dark'] as const).map((scheme) => [name, scheme] as const)),
  )('every text of %s has enough contrast in %s', (name, colorScheme) =>
    onReport(name, async (page) => expect(await page.evaluate(LOW_CONTRAST)).toEqual([]), {
      colorScheme,
    }),
  )

  test('follows the scheme of the system, but paper stays light', () =>
    onReport(
      'nine',
      async (page) => {
        const ground = styleOf('body', 'backgroundColor')
        const ink = styleOf('body', 'color')
        expect(await page.evaluate(ground)).toBe('rgb(18, 24, 15)')
        await page.emulateMedia({ media: 'print', colorScheme: 'dark' })
        expect(await page.evaluate(ink)).toBe('rgb(34, 48, 31)')
        expect(await page.locator('nav').isVisible()).toBe(false)
      },
      { colorScheme: 'dark' },
    ))
})
