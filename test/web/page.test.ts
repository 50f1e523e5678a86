import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { copyPng, LOW_CONTRAST, OVERFLOW_WIDTH, SMALL_TARGETS, styleOf } from './in-page.ts'
import {
  datasetPath,
  fixturePhoto,
  openBrowser,
  startServer,
  type TestServer,
  visit,
} from './support.ts'

const PHONE: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  hasTouch: true,
  isMobile: true,
}

let browser: Browser
let server: TestServer

beforeAll(async () => {
  ;[browser, server] = await Promise.all([openBrowser(), startServer()])
})

afterAll(async () => {
  await Promise.all([browser?.close(), server?.close()])
})

/** Opens the page of the server that all tests share. */
function onPage(
  body: (page: Page) => Promise<void>,
  options: BrowserContextOptions = {},
): Promise<void> {
  return visit({ browser, url: server.url, options }, body)
}

/** Gives photos through the file input behind the button. */
async function choose(page: Page, ...names: string[]): Promise<void> {
  await page.locator('input[type=file][multiple]').setInputFiles(names.map(fixturePhoto))
}

const best = (page: Page) => page.getByRole('article').getByRole('heading', { level: 2 })
const scores = (page: Page) =>
  page.getByRole('list', { name: 'Best guesses' }).getByRole('listitem')
const announced = (page: Page) => page.getByRole('status')
const alert = (page: Page) => page.getByRole('alert')

const textOf = async (locator: Locator) => (await locator.textContent()) ?? ''

async function expectResult(page: Page): Promise<void> {
  await scores(page).first().waitFor()
  expect(await scores(page).count()).toBe(5)
}

/** Puts files over the page the way a file manager does, and lets go of them unless told otherwise. */
async function drag(page: Page, names: readonly string[], last: 'drop' | 'dragCancel' = 'drop') {
  const devtools = await page.context().newCDPSession(page)
  const data = { items: [], files: names.map(fixturePhoto), dragOperationsMask: 1 }
  const at = { x: 200, y: 200, data }
  await devtools.send('Input.dispatchDragEvent', { type: 'dragEnter', ...at })
  await devtools.send('Input.dispatchDragEvent', { type: 'dragOver', ...at })
  await page.getByText('Drop it here').waitFor()
  await devtools.send('Input.dispatchDragEvent', { type: last, ...at })
  await page.getByText('Drop it here').waitFor({ state: 'detached' })
}

describe('giving a photo', () => {
  test('a chosen photo shows its best label, five named bars and who answered', () =>
    onPage(async (page) => {
      await choose(page, 'baseline.jpg')
      await expectResult(page)
      const texts = await scores(page).allTextContents()
      for (const text of texts) expect(text).toMatch(/^[^_]+\d+\.\d%$/)
      expect(texts[0]).toContain(await textOf(best(page)))
      await page.getByRole('img', { name: 'Your photo baseline.jpg' }).waitFor()
      await page.getByText(/^Answered by efficientnet-lite0 in [\d,]+ ms$/).waitFor()
    }))

  test('the result is announced in one sentence', () =>
    onPage(async (page) => {
      await choose(page, 'baseline.jpg')
      await expectResult(page)
      const label = await textOf(best(page))
      const sentence = await textOf(announced(page))
      expect(sentence.startsWith(`${label}, `)).toBe(true)
      expect(sentence).toMatch(/^[^,]+, \d+ percent; then [^,]+, .+ percent; [^,]+, .+ percent\.$/)
    }))

  test('the bars are as wide as their scores', () =>
    onPage(async (page) => {
      await choose(page, 'baseline.jpg')
      await expectResult(page)
      const track = await page.locator('.score-track').first().boundingBox()
      const fill = await page.locator('.score-fill').first().boundingBox()
      const percent = Number.parseFloat(await textOf(page.locator('.score-percent').first()))
      expect((100 * (fill?.width ?? 0)) / (track?.width ?? 1)).toBeCloseTo(percent, 0)
    }))

  test('a photo may be dropped anywhere', () =>
    onPage(async (page) => {
      await drag(page, ['alpha.png'])
      await expectResult(page)
      await page.getByRole('img', { name: 'Your photo alpha.png' }).waitFor()
    }))

  test('a drag that leaves the page again changes nothing', () =>
    onPage(async (page) => {
      await drag(page, ['alpha.png'], 'dragCancel')
      expect(await page.getByRole('article').count()).toBe(0)
    }))

  test('a photo may be pasted', () =>
    onPage(
      async (page) => {
        await page.evaluate(copyPng(await readFile(fixturePhoto('rgb.png'))))
        await page.keyboard.press('ControlOrMeta+V')
        await expectResult(page)
      },
      { permissions: ['clipboard-read', 'clipboard-write'] },
    ))

  test('the camera is offered where fingers point', async () => {
    const camera = (page: Page) => page.getByRole('button', { name: 'Take a photo' })
    await onPage(async (page) => expect(await camera(page).isVisible()).toBe(false))
    await onPage(async (page) => {
      const choosing = page.waitForEvent('filechooser')
      await camera(page).tap()
      const chooser = await choosing
      expect(await chooser.element().getAttribute('capture')).toBe('environment')
      await chooser.setFiles(fixturePhoto('exif-6.jpg'))
      await expectResult(page)
    }, PHONE)
  })

  test('a second photo replaces the first', () =>
    onPage(async (page) => {
      await choose(page, 'baseline.jpg')
      await expectResult(page)
      await choose(page, 'alpha.png')
      await page.getByRole('img', { name: 'Your photo alpha.png' }).waitFor()
      await expectResult(page)
      expect(await page.getByRole('article').count()).toBe(1)
    }))

  test('of two quick photos the first is given up and only the last is shown', () =>
    onPage(async (page) => {
      await page.route('**/predict?*', () => {}, { times: 1 }) // held back: never answered
      await choose(page, 'baseline.jpg')
      await page.getByText('Looking at the photo…').first().waitFor()
      const givenUp = page.waitForEvent('requestfailed')
      await choose(page, 'alpha.png')
      expect((await givenUp).failure()?.errorText).toBe('net::ERR_ABORTED')
      await expectResult(page)
      expect(await page.getByRole('img').count()).toBe(1)
      await page.getByRole('img', { name: 'Your photo alpha.png' }).waitFor()
    }))

  test('several photos are predicted in order, and any of them can be shown', () =>
    onPage(async (page) => {
      await choose(page, 'baseline.jpg', 'truncated.jpg', 'alpha.png')
      await page.getByRole('heading', { name: '3 photos', exact: true }).waitFor()
      await page.getByRole('img', { name: 'Your photo baseline.jpg' }).waitFor()
      const cards = page.getByRole('listitem').getByRole('button')
      for (const [index, pressed] of ['true', 'false', 'false'].entries()) {
        expect(await cards.nth(index).getAttribute('aria-pressed')).toBe(pressed)
      }
      expect(await textOf(cards.nth(1))).toContain('Failed')
      await cards.nth(2).click()
      await page.getByRole('img', { name: 'Your photo alpha.png' }).waitFor()
      expect(await textOf(cards.nth(2))).toContain(await textOf(best(page)))
    }))

  const bananas = datasetPath('grocery-store/val/Fruit/Banana')
  test.skipIf(bananas === undefined)('a real photo of bananas is named', () =>
    onPage(async (page) => {
      const [first = ''] = readdirSync(bananas ?? '').sort()
      await page.locator('input[type=file][multiple]').setInputFiles(join(bananas ?? '', first))
      await expectResult(page)
      expect(await textOf(best(page))).toMatch(/^banana$/i)
    }),
  )
})

describe('what may go wrong', () => {
  test('a truncated photo shows what is wrong and what helps, and the next photo works', () =>
    onPage(async (page) => {
      await choose(page, 'truncated.jpg')
      await alert(page).waitFor()
      const text = await textOf(alert(page))
      expect(text).toContain('This photo could not be read')
      expect(text).toContain('Expected a whole JPEG photo')
      expect(text).toContain('Copy or upload the photo again')
      expect(await textOf(announced(page))).toBe('')
      await choose(page, 'baseline.jpg')
      await expectResult(page)
      expect(await alert(page).count()).toBe(0)
    }))

  test('a photo that the browser cannot show has a placeholder beside the word of the server', () =>
    onPage(async (page) => {
      await choose(page, 'photo.heic')
      await page.getByRole('img', { name: /This browser cannot show this photo/ }).waitFor()
      await alert(page)
        .getByText(/received HEIC/)
        .waitFor()
    }))

  test('a file that is no photo is refused by its content, whatever its name', () =>
    onPage(async (page) => {
      await choose(page, 'text.jpg')
      await alert(page)
        .getByText(/start with the text/)
        .waitFor()
      await choose(page, 'document.pdf')
      await alert(page)
        .getByText(/received PDF/)
        .waitFor()
    }))

  test('without a network the page says so and tries again when asked', () =>
    onPage(async (page) => {
      await page.context().setOffline(true)
      await choose(page, 'baseline.jpg', 'alpha.png')
      await alert(page).getByText('The server cannot be reached').waitFor()
      await page.getByRole('heading', { name: '1 of 2 photos' }).waitFor()
      await page.context().setOffline(false)
      await page.getByRole('button', { name: 'Try again' }).click()
      await expectResult(page)
      await page.getByRole('heading', { name: '2 photos', exact: true }).waitFor()
    }))

  test('a busy server is named as such and asked again on demand', async () => {
    const busy = await startServer({ VERGER_MAX_QUEUED_BYTES: '1' })
    // A request that never arrives in full occupies all the bytes that the server may hold.
    const holding = request(`${busy.url}/predict`, {
      method: 'POST',
      headers: { 'content-type': 'image/jpeg', 'content-length': 100_000 },
    })
    holding.on('error', () => {}) // its end is the point
    const status = async () => {
      const body = await readFile(fixturePhoto('baseline.jpg'))
      const headers = { 'content-type': 'image/jpeg' }
      const response = await fetch(`${busy.url}/predict`, { method: 'POST', headers, body })
      await response.arrayBuffer()
      return response.status
    }
    try {
      await visit({ browser, url: busy.url }, async (page) => {
        holding.write('one of many bytes')
        await expect.poll(status).toBe(503)
        await choose(page, 'baseline.jpg')
        await alert(page)
          .getByText(/^The server is busy\. Please try again in \d+ seconds?\.$/)
          .waitFor()
        holding.destroy()
        await expect.poll(status).toBe(200)
        await page.getByRole('button', { name: 'Try again' }).click()
        await expectResult(page)
      })
    } finally {
      holding.destroy()
      await busy.close()
    }
  })

  async function createToken(url: string, scopes: readonly string[]): Promise<string> {
    const response = await fetch(`${url}/api/tokens`, {
      method: 'POST',
      headers: { authorization: 'Bearer pippin', 'content-type': 'application/json' },
      body: JSON.stringify({ name: scopes.join('-'), scopes }),
    })
    const { token } = (await response.json()) as { token: string }
    return token
  }

  test('a server with a token asks for it once per tab and refuses another', async () => {
    const closed = await startServer({ VERGER_TOKEN: 'pippin' })
    try {
      await visit({ browser, url: closed.url }, async (page) => {
        await choose(page, 'baseline.jpg')
        await alert(page).getByText('This server wants an access token').waitFor()
        await page.keyboard.type('cox')
        await page.keyboard.press('Enter')
        await alert(page).getByText('That token was not accepted').waitFor()
        await page.getByLabel('Access token').fill(await createToken(closed.url, ['predict']))
        await page.getByRole('button', { name: 'Continue' }).click()
        await alert(page).getByText('That token does not allow this').waitFor()
        await page.getByLabel('Access token').fill(' pippin ')
        await page.getByRole('button', { name: 'Continue' }).click()
        await expectResult(page)
        await page.reload()
        await choose(page, 'alpha.png')
        await expectResult(page)
      })
    } finally {
      await closed.close()
    }
  })
})

describe('everybody can use it', () => {
  test('by keyboard alone', () =>
    onPage(async (page) => {
      // Early: Playwright takes a moment until it catches the dialog.
      const choosing = page.waitForEvent('filechooser')
      await page.keyboard.press('Tab')
      const focused = page.locator(':focus')
      expect(await textOf(focused)).toBe('Choose a photo')
      const outline = await page.evaluate(styleOf(':focus', 'outlineStyle'))
      expect(outline).toBe('solid')
      await page.keyboard.press('Enter')
      await (await choosing).setFiles(['baseline.jpg', 'alpha.png'].map(fixturePhoto))
      await expectResult(page)
      await page.getByRole('heading', { name: '2 photos', exact: true }).waitFor()
      expect(await textOf(focused)).toBe('Another photo')
      await page.keyboard.press('Tab')
      await page.keyboard.press('Tab')
      await page.keyboard.press('Space')
      await page.getByRole('img', { name: 'Your photo alpha.png' }).waitFor()
      expect(await focused.getAttribute('aria-pressed')).toBe('true')
    }))

  test('at 320 pixels nothing scrolls to the side', () =>
    onPage(
      async (page) => {
        expect(await page.evaluate(OVERFLOW_WIDTH)).toBe(0)
        await choose(page, 'wide.png', 'baseline.jpg')
        await expectResult(page)
        expect(await page.evaluate(OVERFLOW_WIDTH)).toBe(0)
        await choose(page, 'truncated.jpg')
        await alert(page).waitFor()
        expect(await page.evaluate(OVERFLOW_WIDTH)).toBe(0)
      },
      { viewport: { width: 320, height: 640 } },
    ))

  test('on a phone every target is large enough for a finger', () =>
    onPage(async (page) => {
      expect(await page.evaluate(SMALL_TARGETS)).toEqual([])
      await choose(page, 'baseline.jpg', 'alpha.png')
      await expectResult(page)
      expect(await page.evaluate(SMALL_TARGETS)).toEqual([])
    }, PHONE))

  test.each(['light', 'dark'] as const)('every text has enough contrast in %s', (colorScheme) =>
    onPage(
      async (page) => {
        expect(await page.evaluate(LOW_CONTRAST)).toEqual([])
        await choose(page, 'baseline.jpg', 'alpha.png')
        await expectResult(page)
        expect(await page.evaluate(LOW_CONTRAST)).toEqual([])
        await choose(page, 'truncated.jpg')
        await alert(page).waitFor()
        expect(await page.evaluate(LOW_CONTRAST)).toEqual([])
      },
      { colorScheme },
    ),
  )

  test('bars move only for those who like movement', async () => {
    const animationOf = async (page: Page) => {
      await choose(page, 'baseline.jpg')
      await expectResult(page)
      return page.evaluate(styleOf('.score-fill', 'animationName'))
    }
    await onPage(async (page) => expect(await animationOf(page)).toBe('none'))
    await onPage(async (page) => expect(await animationOf(page)).toBe('grow'), {
      reducedMotion: 'no-preference',
    })
  })

  test('in French where the browser speaks French', () =>
    onPage(
      async (page) => {
        expect(await page.locator('html').getAttribute('lang')).toBe('fr')
        await page.getByRole('button', { name: 'Choisir une photo' }).waitFor()
        await choose(page, 'baseline.jpg')
        await page.getByText(/^Réponse de efficientnet-lite0 en/).waitFor()
        expect(await textOf(page.locator('.score-percent').first())).toMatch(/^\d+,\d\s%$/)
        expect(await textOf(announced(page))).toMatch(/ pour cent ; puis .+ pour cent\.$/)
      },
      { locale: 'fr-CA' },
    ))
})

test('the page may run only its own files', async () => {
  const response = await fetch(server.url)
  const policy = response.headers.get('content-security-policy') ?? ''
  expect(policy).toContain("default-src 'self'")
  expect(policy).not.toContain('unsafe')
  expect(await response.text()).not.toMatch(/https?:\/\/|<style|style=|<script(?![^>]* src=)/)
})
