import type { ComponentChildren } from 'preact'
import type { EvaluationReport, Interval } from '../../../src/training/report.ts'
import { formatCount, formatNumber, formatPercent } from './format-numbers.ts'
import { IntervalBar } from './interval-bar.tsx'

const DECISIONS = [
  { name: 'ok', meaning: 'answered' },
  { name: 'unsure', meaning: 'not sure, a person should look' },
  { name: 'unknown', meaning: 'like nothing it was trained on' },
] as const

export function formatInterval({ low, high }: Interval): string {
  return `95 % interval ${formatPercent(low)} to ${formatPercent(high)}`
}

/** The figures that a reader wants first. */
export function Headline({ report }: { readonly report: EvaluationReport }) {
  const { accuracy, topK, calibration, labels } = report
  const { eceByChance } = calibration
  const byChance =
    eceByChance === undefined
      ? ''
      : `; true scores would show ${formatPercent(eceByChance)} with so many photos`
  return (
    <section class="headline" aria-label="The figures in short">
      <div class="headline-main">
        <p class="headline-name">Accuracy</p>
        <p class="headline-value">{formatPercent(accuracy.value)}</p>
        <IntervalBar interval={accuracy} />
        <p class="hint">{formatInterval(accuracy)}</p>
      </div>
      <dl class="figures">
        <Figure name="Macro-F1" hint="every label counts the same, however many photos it has">
          {formatPercent(report.macroF1)}
        </Figure>
        {topK.k < labels.length && (
          <Figure name={`Top ${topK.k}`} hint={`the right label is among the first ${topK.k}`}>
            {formatPercent(topK.accuracy)}
          </Figure>
        )}
        <Figure
          name="Calibration error"
          hint={`before and after temperature ${formatNumber(calibration.temperature)}; ${formatInterval(calibration.eceAfter)}${byChance}`}
        >
          <span class="before number">{formatPercent(calibration.eceBefore.value)}</span>
          <span class="arrow">
            <span aria-hidden="true">→</span>
            <span class="visually-hidden">then</span>
          </span>
          <span class="number">{formatPercent(calibration.eceAfter.value)}</span>
        </Figure>
      </dl>
      <Decisions counts={report.decisions} />
    </section>
  )
}

interface FigureProps {
  readonly name: string
  readonly hint: string
  readonly children: ComponentChildren
}

function Figure({ name, hint, children }: FigureProps) {
  return (
    <div class="figure">
      <dt>{name}</dt>
      <dd class="figure-value">{children}</dd>
      <dd class="hint">{hint}</dd>
    </div>
  )
}

/** How often the model answered, doubted, or saw nothing familiar. */
function Decisions({ counts }: { readonly counts: EvaluationReport['decisions'] }) {
  const total = counts.ok + counts.unsure + counts.unknown
  return (
    <div class="decisions">
      <h2 class="headline-name">What it decided</h2>
      <div class="decisions-bar" aria-hidden="true">
        {DECISIONS.filter(({ name }) => counts[name] > 0).map(({ name }) => (
          <span key={name} class={`decision-${name}`} style={{ flexGrow: counts[name] }} />
        ))}
      </div>
      <ul class="decisions-list">
        {DECISIONS.map(({ name, meaning }) => (
          <li key={name}>
            <span class={`swatch decision-${name}`} aria-hidden="true" />
            <strong>{name}</strong> {formatCount(counts[name])}
            {total > 0 && ` (${formatPercent(counts[name] / total)})`}
            <span class="hint"> {meaning}</span>
          </li>
        ))}
      </ul>
    </div>
  )
}
