import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { renderReport } from './render-report.ts'
import type { DatasetReport } from './report.ts'

const NASTY = [
  '</script><img src=x onerror=alert(1)>',
  '<!--<script>',
  "$& $' $` $1",
  'line\u2028separator\u2029',
  '"quotes" & ampersands',
]

const report: DatasetReport = {
  kind: 'dataset',
  format: 1,
  vergerVersion: '0.1.0',
  createdAt: '2026-11-22T08:47:00Z',
  dataset: { name: 'fruits', id: 'abc', photos: 5, sizeBytes: 1000 },
  labels: NASTY.map((label) => ({ label, photos: 1, thumbnails: [] })),
  findings: [],
}

const FORM = '<html><script type="application/json" id="data"></script><p>end</p></html>'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'verger-report-'))
  writeFileSync(join(folder, 'form.html'), FORM)
})
afterAll(() => rmSync(folder, { recursive: true }))

/** The text between the tags of the data element, as an HTML parser ends it. */
const dataOf = (html: string): string =>
  /<script type="application\/json" id="data">([\s\S]*?)<\/script>/.exec(html)?.[1] ?? ''

describe('renderReport', () => {
  it('writes the figures into the form and leaves the rest as it is', () => {
    const html = renderReport(report, join(folder, 'form.html'))
    expect(JSON.parse(dataOf(html))).toEqual(report)
    expect(html.replace(dataOf(html), '')).toBe(FORM)
  })

  it('writes into the form that was built', () => {
    const html = renderReport(report)
    expect(JSON.parse(dataOf(html))).toEqual(report)
  })

  it('lets no label look like markup', () => {
    expect(dataOf(renderReport(report, join(folder, 'form.html')))).not.toMatch(/[<\u2028\u2029]/)
  })

  it.each([
    ['is not there', 'none.html', undefined],
    ['has no place for figures', 'empty.html', '<html></html>'],
    ['has two', 'two.html', FORM + FORM],
  ])('says so when the form %s', (_words, name, text) => {
    const path = join(folder, name)
    if (text !== undefined) writeFileSync(path, text)
    expect(() => renderReport(report, path)).toThrow(
      expect.objectContaining({
        code: 'report_form_missing',
        message: expect.stringContaining(path),
      }),
    )
  })
})
