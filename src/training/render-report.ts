/** A report as one HTML file: the built form with the figures written into it. */
import { readFileSync } from 'node:fs'
import { VergerError } from '../core/errors.ts'
import { packagePath } from '../core/version.ts'
import type { DatasetReport, EvaluationReport, PreviewReport } from './report.ts'

/** The element of the form, empty, that takes the figures. */
const OPENING = '<script type="application/json" id="data">'
const CLOSING = '</script>'

/**
 * Gives a self-contained page: no network, no file beside it, opens from a folder. Labels and paths
 * are data in it whatever they look like.
 *
 * @throws VergerError `report_form_missing` where the form was not built.
 */
export function renderReport(
  report: EvaluationReport | DatasetReport | PreviewReport,
  formPath: string = packagePath('web/report/dist/report.html'),
): string {
  const parts = readForm(formPath).split(OPENING + CLOSING)
  if (parts.length !== 2) throw formMissing(`${parts.length - 1} places for figures in ${formPath}`)
  const [head, tail] = parts
  return `${head}${OPENING}${embedJson(report)}${CLOSING}${tail}`
}

/**
 * JSON that no HTML parser takes for markup: `<` ends neither the element nor opens a comment, and
 * the line separators that scripts once did not allow are escaped too.
 */
function embedJson(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll('<', '\\u003c')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029')
}

function readForm(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw formMissing(`no file that can be read at ${path}`, cause)
  }
}

function formMissing(received: string, cause?: unknown): VergerError {
  return new VergerError(
    'report_form_missing',
    `Expected the form of a report with one place for figures, found ${received}.`,
    { hint: 'In a clone run: npm run build. Otherwise install Verger again.', cause },
  )
}
