/** What was measured of a version, for those who want more than its name. */
import { VergerError } from '../core/errors.ts'
import type { Registry, Version } from '../registry/registry.ts'
import type { EvaluationReport, Interval } from './report.ts'

const REPORT = 'report.json'

/** The report of a version; undefined where it was registered without one. Throws `blob_missing` or `blob_damaged`. */
export async function readVersionReport(
  registry: Registry,
  version: Version,
): Promise<EvaluationReport | undefined> {
  if (!Object.hasOwn(version.files, REPORT)) return undefined
  const bytes = await registry.readVersionFile(version, REPORT)
  try {
    return JSON.parse(Buffer.from(bytes).toString()) as EvaluationReport
  } catch (cause) {
    throw new VergerError(
      'blob_damaged',
      `Expected JSON in ${REPORT} of ${version.model}/${version.name}, received other text`,
      { hint: 'Register the version again from a bundle that verger wrote.', cause },
    )
  }
}

/** The figures that a model is introduced with. */
export interface HeadlineFigures {
  readonly measuredOn: EvaluationReport['dataset']
  readonly accuracy: Interval
  readonly macroF1: number
  readonly topK: EvaluationReport['topK']
  readonly calibrationError: Interval
  readonly decisions: EvaluationReport['decisions']
}

export const headlineFigures = ({
  dataset,
  accuracy,
  macroF1,
  topK,
  calibration,
  decisions,
}: EvaluationReport): HeadlineFigures => ({
  measuredOn: dataset,
  accuracy,
  macroF1,
  topK,
  calibrationError: calibration.eceAfter,
  decisions,
})
