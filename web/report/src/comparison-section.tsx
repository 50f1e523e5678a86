import type { Comparison, EvaluationReport, Interval } from '../../../src/training/report.ts'
import { describePValue, formatCount, formatPercent, formatPoints } from './format-numbers.ts'
import { GrowingList } from './growing-list.tsx'
import { IntervalBar } from './interval-bar.tsx'
import { Section } from './section.tsx'

const LABELS_SHOWN = 12

interface ComparisonSectionProps {
  readonly report: EvaluationReport
  readonly comparison: Comparison
}

/** Two models on the same photos: who is better, whether that may be chance, and where it shows. */
export function ComparisonSection({ report, comparison }: ComparisonSectionProps) {
  const { other, otherAccuracy, bothRight, onlyThisRight, onlyOtherRight, bothWrong } = comparison
  const [name, otherName] = [report.model.name, other.name]
  const difference = report.accuracy.value - otherAccuracy.value
  const changed = comparison.perLabel.filter(({ recall, otherRecall }) => recall !== otherRecall)
  const verdict =
    difference === 0
      ? 'Both are right equally often.'
      : `${difference > 0 ? name : otherName} is right more often, by ${formatPoints(Math.abs(difference)).slice(1)} percentage points.`
  const all = [report.accuracy, otherAccuracy]
  const from = Math.floor(Math.min(...all.map(({ low }) => low)) * 20) / 20
  const to = Math.ceil(Math.max(...all.map(({ high }) => high)) * 20) / 20

  return (
    <Section
      id="comparison"
      title={`Compared with ${otherName}`}
      lead={
        <>
          {verdict} {describePValue(comparison.pValue)}
        </>
      }
    >
      <div class="comparison">
        <figure class="chart">
          <figcaption>
            <h3>Accuracy with its 95 % interval</h3>
          </figcaption>
          <div class="versions">
            <Version name={name} interval={report.accuracy} from={from} to={to} />
            <Version name={otherName} interval={otherAccuracy} from={from} to={to} />
            <p class="versions-axis" aria-hidden="true">
              <span>{formatPercent(from, 0)}</span>
              <span>{formatPercent(to, 0)}</span>
            </p>
          </div>
        </figure>
        <div class="chart">
          <h3>The same photos, both models</h3>
          <div class="scroll">
            <table class="mcnemar">
              <caption class="hint">
                Photos by who was right. Only the two cells where one was right count in McNemar's
                test.
              </caption>
              <thead>
                <tr>
                  <td />
                  <th scope="col">
                    <bdi>{otherName}</bdi> right
                  </th>
                  <th scope="col">
                    <bdi>{otherName}</bdi> wrong
                  </th>
                </tr>
              </thead>
              <tbody>
                <tr>
                  <th scope="row">
                    <bdi>{name}</bdi> right
                  </th>
                  <td>{formatCount(bothRight)}</td>
                  <td class="only only-this">{formatCount(onlyThisRight)}</td>
                </tr>
                <tr>
                  <th scope="row">
                    <bdi>{name}</bdi> wrong
                  </th>
                  <td class="only only-other">{formatCount(onlyOtherRight)}</td>
                  <td>{formatCount(bothWrong)}</td>
                </tr>
              </tbody>
            </table>
          </div>
        </div>
      </div>
      {changed.length > 0 && (
        <>
          <div>
            <h3>Labels that changed most</h3>
            <p class="hint">
              Recall with <bdi>{otherName}</bdi>, then with <bdi>{name}</bdi>.
            </p>
          </div>
          <GrowingList
            items={changed}
            step={LABELS_SHOWN}
            className="changes"
            keyOf={({ label }) => label}
          >
            {({ label, recall, otherRecall }) => (
              <>
                <bdi class="change-label">{label}</bdi>
                <span class="dumbbell" aria-hidden="true">
                  <span
                    class={recall > otherRecall ? 'dumbbell-bar better' : 'dumbbell-bar worse'}
                    style={{
                      left: `${Math.min(recall, otherRecall) * 100}%`,
                      width: `${Math.abs(recall - otherRecall) * 100}%`,
                    }}
                  />
                  <span class="dumbbell-from" style={{ left: `${otherRecall * 100}%` }} />
                  <span
                    class={recall > otherRecall ? 'dumbbell-to better' : 'dumbbell-to worse'}
                    style={{ left: `${recall * 100}%` }}
                  />
                </span>
                <span class="number change-ends">
                  {formatPercent(otherRecall, 0)} → {formatPercent(recall, 0)}
                </span>
                <span class={`number change ${recall > otherRecall ? 'better' : 'worse'}`}>
                  {formatPoints(recall - otherRecall)}
                </span>
              </>
            )}
          </GrowingList>
        </>
      )}
    </Section>
  )
}

interface VersionProps {
  readonly name: string
  readonly interval: Interval
  readonly from: number
  readonly to: number
}

function Version({ name, interval, from, to }: VersionProps) {
  return (
    <p class="version">
      <bdi>{name}</bdi>
      <IntervalBar interval={interval} from={from} to={to} />
      <span class="number">
        <strong>{formatPercent(interval.value)}</strong>{' '}
        <span class="hint">
          {formatPercent(interval.low)} to {formatPercent(interval.high)}
        </span>
      </span>
    </p>
  )
}
