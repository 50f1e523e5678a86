/** The figures of an evaluation as text. */
import type { Calibration, EvaluationReport, Interval } from '../training/report.ts'
import type { Terminal } from './context.ts'
import { formatPercent } from './formats.ts'
import { printable } from './printable.ts'
import { paint, plural } from './render.ts'
import { sayKept, sayPace, sayTuned } from './render-tuning.ts'

const WORST = 3
/** Surer than this, a difference between two models is called one. */
const SIGNIFICANT = 0.05

/** `byChance` is what photos divided by chance would have said, where that is known. */
export function renderEvaluation(
  stream: Terminal,
  report: EvaluationReport,
  byChance?: number,
): string {
  const { accuracy, macroF1, topK, calibration, decisions, dataset, labels } = report
  const worst = report.confusion
    .filter(({ actual, predicted }) => actual !== predicted && actual >= 0)
    .slice(0, WORST)
    .map(
      ({ actual, predicted, count }) =>
        `${printable(labels[actual] ?? '')} taken for ${printable(labels[predicted] ?? '')} ${count}×`,
    )
  const rows: [string, string][] = [
    ['accuracy', `${paint(stream, 'bold', formatPercent(accuracy.value))} ${range(accuracy)}`],
    ['macro-F1', formatPercent(macroF1)],
    [`top-${topK.k}`, formatPercent(topK.accuracy)],
    [
      'calibration error',
      `${formatPercent(calibration.eceBefore.value)} before, ${formatPercent(calibration.eceAfter.value)} after a temperature of ${calibration.temperature.toFixed(2)}${byChanceOf(calibration)}`,
    ],
    ['decisions', `${decisions.ok} ok, ${decisions.unsure} unsure, ${decisions.unknown} unknown`],
    ['worst confusions', worst.length === 0 ? 'none' : worst.join('; ')],
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  const lines = rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`)
  const chance =
    byChance === undefined || byChance <= accuracy.value + 0.02
      ? ''
      : `\n  Divided by chance, its photos would have promised ${formatPercent(byChance)}: look-alikes on both sides.`
  const cautions = dataset.cautions.map((caution) => `\n  ${paint(stream, 'yellow', caution)}`)
  return `Measured with ${plural(dataset.photos, 'photo')}:\n${lines.join('\n')}${chance}${cautions.join('')}${renderComparison(report)}${renderTuning(report)}`
}

const range = ({ low, high }: Interval): string =>
  `(${formatPercent(low)} to ${formatPercent(high)} with 95 % certainty)`

function renderComparison({ comparison, accuracy }: EvaluationReport): string {
  if (comparison === undefined) return ''
  const { other, otherAccuracy, onlyThisRight, onlyOtherRight, pValue } = comparison
  const verdict =
    pValue >= SIGNIFICANT
      ? 'chance may explain the difference'
      : accuracy.value > otherAccuracy.value
        ? 'better than chance explains'
        : 'worse than chance explains'
  return `\nBeside ${other.name} (${formatPercent(otherAccuracy.value)}): ${plural(onlyThisRight, 'photo')} right here and wrong there, ${onlyOtherRight} the other way round; McNemar's test p = ${pValue.toPrecision(2)}: ${verdict}`
}

const byChanceOf = ({ eceByChance }: Calibration): string =>
  eceByChance === undefined ? '' : ` (${formatPercent(eceByChance)} would be chance)`

function renderTuning({ training }: EvaluationReport): string {
  const tuning = training?.tuning
  if (tuning === undefined) return ''
  const title = tuning.keptEpoch === undefined ? 'Tried to fine-tune' : 'Fine-tuned'
  const stopped =
    tuning.divergedAt === undefined
      ? ''
      : `\n  It ended at step ${tuning.divergedAt}, where the loss, its gradient or an answer was no number`
  return `\n${title} ${sayTuned(tuning)} (${sayPace(tuning)})\n  ${sayKept(tuning)}${stopped}`
}
