/** The page of a server that has models: who is asked, who answered, what it dares to say, and corrections. */
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { renderReport } from '../../dist/training/render-report.js'
import { createModelHome, type ModelHome } from '../support/model-home.ts'
import { readPhoto } from '../support/photos.ts'
import { TINY_LABELS } from '../support/tiny-bundle.ts'
import { LOW_CONTRAST, OVERFLOW_WIDTH, SMALL_TARGETS } from './in-page.ts'
import { createEvaluation } from './report-data.ts'
import { fixturePhoto, openBrowser, startServer, type TestServer, visit } from './support.ts'

const TOKEN = 'pippin'

let browser: Browser
let keeping: ModelHome
let plain: ModelHome
let server: TestServer
let plainServer: TestServer

beforeAll(async () => {
  const report = await createEvaluation({ labels: TINY_LABELS, photosPerLabel: 9, errorRate: 0.1 })
  const extras = { 'report.html': renderReport(report), 'report.json': JSON.stringify(report) }
  keeping = await createModelHome({ keepCorrections: true, extras })
  plain = await createModelHome()
  ;[browser, server, plainServer] = await Promise.all([
    openBrowser(),
    startServer({ VERGER_HOME: keeping.path }),
    startServer({ VERGER_HOME: plain.path }),
  ])
}, 90_000)

afterAll(async () => {
  await Promise.all([browser?.close(), server?.close(), plainServer?.close()])
  await Promise.all([keeping?.remove(), plain?.remove()])
})

function onPage(
  body: (page: Page) => Promise<void>,
  options: BrowserContextOptions = {},
): Promise<void> {
  return visit({ browser, url: server.url, options }, body)
}

async function choose(page: Page, ...names: string[]): Promise<void> {
  await page.locator('input[type=file][multiple]').setInputFiles(names.map(fixturePhoto))
}

const card = (page: Page) => page.getByRole('article')
const best = (page: Page) => card(page).getByRole('heading', { level: 2 })
const picker = (page: Page) => page.getByRole('combobox', { name: 'Model' })
const opener = (page: Page) => page.getByRole('button', { name: 'No, it is …' })
const field = (page: Page) => page.getByRole('combobox', { name: 'What is it?' })
const textOf = async (locator: Locator) => (await locator.textContent()) ?? ''

async function expectAnswer(page: Page, label: string): Promise<void> {
  await best(page).getByText(label, { exact: true }).waitFor()
}

describe('who answers', () => {
  test('the only model is asked, and the page says which version answered', () =>
    onPage(async (page) => {
      await choose(page, 'baseline.jpg')
      await expectAnswer(page, 'Granny Smith')
      await page.getByText(/^Answered by fruits v1 in [\d,]+ ms$/).waitFor()
      expect(await picker(page).inputValue()).toBe('fruits')
      expect(await card(page).getByRole('listitem').count()).toBe(TINY_LABELS.length)
    }))

  test('the thousand classes of the network can be chosen, for the photos that are here and for the next visit', () =>
    onPage(async (page) => {
      await choose(page, 'baseline.jpg', 'grey.jpg')
      await page.getByRole('heading', { name: '2 photos', exact: true }).waitFor()
      await picker(page).selectOption({ label: 'A thousand everyday things' })
      await page.getByText(/^Answered by efficientnet-lite0/).waitFor()
      await page.getByRole('heading', { name: '2 photos', exact: true }).waitFor()
      expect(await textOf(page.locator('.strip'))).not.toContain('plum')
      expect(await opener(page).count()).toBe(0)
      await page.reload()
      await choose(page, 'baseline.jpg')
      await page.getByText(/^Answered by efficientnet-lite0/).waitFor()
      await picker(page).selectOption('fruits')
      await page.getByText(/^Answered by fruits v1/).waitFor()
    }))

  test('a model that is gone is no longer asked', () =>
    onPage(async (page) => {
      await page.evaluate("localStorage.setItem('verger.model', 'quinces')")
      await page.reload()
      await choose(page, 'baseline.jpg')
      await page.getByText(/^Answered by fruits v1/).waitFor()
    }))

  test('its report opens, with its script, in a page of its own', () =>
    onPage(async (page) => {
      await choose(page, 'baseline.jpg')
      const opening = page.waitForEvent('popup')
      await page.getByRole('link', { name: 'Its report' }).click()
      const report = await opening
      await report.getByRole('heading', { level: 1 }).waitFor()
      expect(report.url()).toBe(`${server.url}/api/models/fruits/versions/v1/report`)
      expect(await report.evaluate('origin')).toBe('null')
    }))

  test('without a report there is no link to one', () =>
    visit({ browser, url: plainServer.url }, async (page) => {
      const details = page.waitForResponse('**/api/models/fruits/versions/v1')
      await choose(page, 'baseline.jpg')
      await (await details).finished()
      await page.getByText(/^Answered by fruits v1/).waitFor()
      expect(await page.getByText('Its report').count()).toBe(0)
    }))
})

describe('what it dares to say', () => {
  test('unsure: what it could be', () =>
    onPage(async (page) => {
      await choose(page, 'grey.jpg')
      await expectAnswer(page, 'plum')
      await page.getByText('Not sure — could be').waitFor()
      expect(await textOf(page.getByRole('status'))).toMatch(/^Not sure, could be plum, 90 percent/)
    }))

  test('unknown: that it does not know', () =>
    onPage(async (page) => {
      await choose(page, 'alpha.png')
      await expectAnswer(page, 'I do not know this one')
      await page.getByRole('heading', { name: 'The closest I know' }).waitFor()
      expect(await textOf(page.getByRole('status'))).toMatch(/^I do not know this one, closest is/)
    }))

  test('of several photos each for itself', () =>
    onPage(async (page) => {
      await choose(page, 'large.jpg', 'alpha.png')
      await page.getByRole('heading', { name: '2 photos', exact: true }).waitFor()
      const cards = page.locator('.strip-card')
      expect(await textOf(cards.nth(0))).toContain('pear')
      expect(await textOf(cards.nth(1))).toContain('I do not know this one')
    }))
})

describe('a correction', () => {
  test('is sent only when somebody sends it, and kept with the label of the model', () =>
    onPage(async (page) => {
      const sent: string[] = []
      page.on('request', (request) => {
        if (request.method() === 'POST') sent.push(new URL(request.url()).pathname)
      })
      await choose(page, 'exif-1.jpg')
      await expectAnswer(page, 'Granny Smith')
      await page
        .getByText('Photos go to this server only. It keeps only those you correct.')
        .waitFor()
      await opener(page).click()
      await page
        .getByText('Your photo and the label are kept on this server as an example')
        .waitFor()
      const suggestions = page.locator('datalist option')
      expect(await suggestions.count()).toBe(TINY_LABELS.length)
      expect(await suggestions.first().getAttribute('value')).toBe('Granny Smith')
      await field(page).fill('granny smith')
      expect(sent).toEqual(['/predict'])
      await page.getByRole('button', { name: 'Send' }).click()
      await page.getByText('Thank you. It is kept as an example of “Granny Smith”.').waitFor()
      expect(sent).toEqual(['/predict', '/api/models/fruits/corrections'])
      const kept = await keeping.readCorrections()
      const mine = kept.find(({ photo }) => readPhoto('exif-1.jpg').equals(photo))
      expect(mine).toMatchObject({ version: 'v1', label: 'Granny_Smith' })
    }))

  test('is possible by keyboard alone, and the focus is never lost', () =>
    onPage(async (page) => {
      await choose(page, 'exif-6.jpg')
      await expectAnswer(page, 'Granny Smith')
      await opener(page).focus()
      await page.keyboard.press('Enter')
      const focused = page.locator(':focus')
      expect(await focused.getAttribute('list')).not.toBeNull()
      await page.keyboard.press('Escape')
      expect(await textOf(focused)).toBe('No, it is …')
      await page.keyboard.press('Enter')
      await page.keyboard.type(' quince ')
      await page.keyboard.press('Enter')
      await page.getByText('It is kept as an example of “quince”.').waitFor()
      expect(await textOf(focused)).toContain('Thank you.')
    }))

  test('stays said when another photo was shown in between', () =>
    onPage(async (page) => {
      await choose(page, 'exif-2.jpg', 'large.jpg')
      await page.getByRole('heading', { name: '2 photos', exact: true }).waitFor()
      await opener(page).click()
      await field(page).fill('medlar')
      await page.keyboard.press('Enter')
      await page.getByText('an example of “medlar”').waitFor()
      await page.locator('.strip-card').nth(1).click()
      await expectAnswer(page, 'pear')
      await opener(page).waitFor()
      await page.locator('.strip-card').nth(0).click()
      await page.getByText('an example of “medlar”').waitFor()
    }))

  test('needs a word', () =>
    onPage(async (page) => {
      await choose(page, 'exif-3.jpg')
      await opener(page).click()
      await field(page).fill('   ')
      await page.keyboard.press('Enter')
      expect(await page.locator('.correction input:invalid').count()).toBe(1)
      expect(await page.getByText('Thank you.').count()).toBe(0)
    }))

  test('that does not arrive says so, keeps the word and can be sent again', () =>
    onPage(async (page) => {
      await choose(page, 'exif-4.jpg')
      await opener(page).click()
      await field(page).fill('quince')
      await page.route('**/corrections', (route) => route.abort(), { times: 1 })
      await page.keyboard.press('Enter')
      await page.getByRole('alert').getByText('The server cannot be reached').waitFor()
      expect(await field(page).inputValue()).toBe('quince')
      await page.getByRole('button', { name: 'Try again' }).click()
      await page.getByText('an example of “quince”').waitFor()
    }))

  test('is not offered where the owner has not opted in', () =>
    visit({ browser, url: plainServer.url }, async (page) => {
      await choose(page, 'baseline.jpg')
      await expectAnswer(page, 'Granny Smith')
      await page.getByText('Photos go to this server only. They are not kept.').waitFor()
      expect(await opener(page).count()).toBe(0)
    }))
})

test('behind a token the models are asked for once it is given, and the report is downloaded', async () => {
  const closed = await startServer({ VERGER_HOME: keeping.path, VERGER_TOKEN: TOKEN })
  try {
    await visit({ browser, url: closed.url }, async (page) => {
      expect(await picker(page).count()).toBe(0)
      await choose(page, 'baseline.jpg')
      await page.getByLabel('Access token').fill(TOKEN)
      await page.keyboard.press('Enter')
      await expectAnswer(page, 'Granny Smith')
      expect(await picker(page).inputValue()).toBe('fruits')
      const downloading = page.waitForEvent('download')
      await page.getByRole('button', { name: 'Download its report' }).click()
      expect((await downloading).suggestedFilename()).toBe('fruits-v1-report.html')
      await opener(page).click()
      await field(page).fill('pear')
      await page.keyboard.press('Enter')
      await page.getByText('an example of “pear”').waitFor()
    })
  } finally {
    await closed.close()
  }
})

describe('everybody can use it', () => {
  test('at 320 pixels nothing scrolls to the side', () =>
    onPage(
      async (page) => {
        await picker(page).waitFor()
        expect(await page.evaluate(OVERFLOW_WIDTH)).toBe(0)
        await choose(page, 'baseline.jpg', 'alpha.png')
        await opener(page).click()
        expect(await page.evaluate(OVERFLOW_WIDTH)).toBe(0)
      },
      { viewport: { width: 320, height: 640 } },
    ))

  test('on a phone every target is large enough for a finger', () =>
    onPage(
      async (page) => {
        await picker(page).waitFor()
        await choose(page, 'baseline.jpg')
        await opener(page).waitFor()
        expect(await page.evaluate(SMALL_TARGETS)).toEqual([])
        await opener(page).click()
        expect(await page.evaluate(SMALL_TARGETS)).toEqual([])
      },
      { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
    ))

  test.each(['light', 'dark'] as const)('every text has enough contrast in %s', (colorScheme) =>
    onPage(
      async (page) => {
        for (const name of ['exif-7.jpg', 'grey.jpg', 'alpha.png']) {
          await choose(page, name)
          await page.getByText(/^Answered by fruits v1/).waitFor()
          expect(await page.evaluate(LOW_CONTRAST)).toEqual([])
        }
        await page.getByRole('button', { name: 'I know what it is' }).click()
        expect(await page.evaluate(LOW_CONTRAST)).toEqual([])
        await field(page).fill('plum')
        await page.keyboard.press('Enter')
        await page.getByText('an example of “plum”').waitFor()
        expect(await page.evaluate(LOW_CONTRAST)).toEqual([])
      },
      { colorScheme },
    ),
  )

  test('in French where the browser speaks French', () =>
    onPage(
      async (page) => {
        await page.getByRole('combobox', { name: 'Modèle' }).waitFor()
        await choose(page, 'exif-8.jpg')
        await page.getByText(/^Réponse de fruits v1 en/).waitFor()
        await page.getByRole('button', { name: 'Non, c’est…' }).click()
        await page.getByLabel('Qu’est-ce que c’est ?').fill('coing')
        await page.getByRole('button', { name: 'Envoyer' }).click()
        await page.getByText('Merci. La photo est gardée comme exemple de « coing ».').waitFor()
      },
      { locale: 'fr-CA' },
    ))
})
