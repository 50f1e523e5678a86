import type {
  ChangedPhoto,
  Comparison,
  EvaluationReport,
  Interval,
} from '../../../src/training/report.ts'
import { AnsweredPhoto } from './answered-photo.tsx'
import {
  describeChance,
  formatCount,
  formatPercent,
  formatPoints,
  plural,
} from './format-numbers.ts'
import { GrowingList } from './growing-list.tsx'
import { IntervalBar } from './interval-bar.tsx'
import { Section } from './section.tsx'

const LABELS_SHOWN = 12
const PHOTOS_SHOWN = 12
/** Share of photos answered at which both are compared. */
const ANSWERED = 0.9

interface ComparisonSectionProps {
  readonly report: EvaluationReport
  readonly comparison: Comparison
}

/** Two models on the same photos: who is better, whether that may be chance, and where it shows. */
export function ComparisonSection({ report, comparison }: ComparisonSectionProps) {
  const { other, otherAccuracy, bothRight, onlyThisRight, onlyOtherRight, bothWrong } = comparison
  const isTuned = report.training?.tuning?.keptEpoch !== undefined
  const [name, otherName] = [isTuned ? 'fine-tuned' : report.model.name, other.name]
  const difference = report.accuracy.value - otherAccuracy.value
  const points = `${formatPoints(Math.abs(difference)).slice(1)} percentage points`
  const verdict =
    difference === 0
      ? `Both are right about ${formatPercent(report.accuracy.value)}.`
      : `${formatPercent(report.accuracy.value)} right, ${otherName} ${formatPercent(otherAccuracy.value)}: ${points} ${difference > 0 ? 'more' : 'less'}.`
  const sides = `Of ${plural(report.dataset.photos, 'photo')}, ${formatCount(onlyThisRight)} ${onlyThisRight === 1 ? 'is' : 'are'} right that ${otherName} had wrong, and ${formatCount(onlyOtherRight)} the other way round.`
  const labels = [
    {
      title: 'Found more often',
      items: comparison.perLabel.filter((one) => one.recall > one.otherRecall),
    },
    {
      title: 'Found less often',
      items: comparison.perLabel.filter((one) => one.recall < one.otherRecall),
    },
  ]
  const photos = [
    {
      title: `Right here, wrong with ${otherName}`,
      changed: comparison.gained,
      count: onlyThisRight,
    },
    {
      title: `Wrong here, right with ${otherName}`,
      changed: comparison.lost,
      count: onlyOtherRight,
    },
  ]
  const all = [report.accuracy, otherAccuracy]
  const from = Math.floor(Math.min(...all.map(({ low }) => low)) * 20) / 20
  const to = Math.ceil(Math.max(...all.map(({ high }) => high)) * 20) / 20

  return (
    <Section
      id="comparison"
      title={`Compared with ${otherName}`}
      lead={
        <>
          {verdict} {sides} {describeChance(comparison.pValue, onlyThisRight, onlyOtherRight)}
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
      <SideBySide report={report} comparison={comparison} names={[name, otherName]} />
      {labels.map(
        ({ title, items }) =>
          items.length > 0 && (
            <div key={title} class="changed-labels">
              <h3>
                {title}: {plural(items.length, 'label')}
              </h3>
              <p class="hint">
                Recall with <bdi>{otherName}</bdi>, then with <bdi>{name}</bdi>.
              </p>
              <GrowingList
                items={items}
                step={LABELS_SHOWN}
                className="changes"
                keyOf={({ label }) => label}
              >
                {(change) => <LabelChange {...change} />}
              </GrowingList>
            </div>
          ),
      )}
      {photos.map(
        ({ title, changed, count }) =>
          changed.length > 0 && (
            <div key={title} class="changed-labels">
              <h3>
                {title}: {plural(count, 'photo')}
              </h3>
              <p class="hint">
                Surest first{changed.length < count && `; ${changed.length} shown here`}.
              </p>
              <GrowingList
                items={changed}
                step={PHOTOS_SHOWN}
                className="photos"
                keyOf={({ photo }) => photo}
              >
                {(change) => <PhotoChange change={change} report={report} otherName={otherName} />}
              </GrowingList>
            </div>
          ),
      )}
    </Section>
  )
}

interface SideBySideProps extends ComparisonSectionProps {
  readonly names: readonly [string, string]
}

/** How surely both answer, and what they refuse. */
function SideBySide({ report, comparison, names }: SideBySideProps) {
  const { calibration, decisions, rejection } = report
  const { otherCalibration, otherDecisions, otherRejection } = comparison
  const total = decisions.ok + decisions.unsure + decisions.unknown
  const counted = (count: number) => `${formatCount(count)} (${formatPercent(count / total)})`
  const surest = (points: EvaluationReport['rejection']) =>
    points.filter(({ coverage }) => coverage <= ANSWERED).at(-1) ?? points[0]
  const rows: (readonly [string, string, string])[] = [
    [
      'Calibration error before temperature',
      formatPercent(calibration.eceBefore.value),
      formatPercent(otherCalibration.eceBefore.value),
    ],
    [
      'Calibration error after temperature',
      formatPercent(calibration.eceAfter.value),
      formatPercent(otherCalibration.eceAfter.value),
    ],
    [
      `Right among the surest ${formatPercent(ANSWERED, 0)}`,
      formatPercent(surest(rejection)?.accuracy ?? null),
      formatPercent(surest(otherRejection)?.accuracy ?? null),
    ],
    ['Answered', counted(decisions.ok), counted(otherDecisions.ok)],
    ['Unsure', counted(decisions.unsure), counted(otherDecisions.unsure)],
    ['Refused as unknown', counted(decisions.unknown), counted(otherDecisions.unknown)],
  ]
  return (
    <div class="scroll">
      <table class="tried">
        <caption>Side by side</caption>
        <thead>
          <tr>
            <td />
            {names.map((one) => (
              <th key={one} scope="col">
                <bdi>{one}</bdi>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([title, ...values]) => (
            <tr key={title}>
              <th scope="row">{title}</th>
              {values.map((value, index) => (
                <td key={names[index]} class="number">
                  {value}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function LabelChange({ label, photos, recall, otherRecall }: Comparison['perLabel'][number]) {
  const direction = recall > otherRecall ? 'better' : 'worse'
  return (
    <>
      <span class="change-label">
        <bdi>{label}</bdi> <span class="hint">{plural(photos, 'photo')}</span>
      </span>
      <span class="dumbbell" aria-hidden="true">
        <span
          class={`dumbbell-bar ${direction}`}
          style={{
            left: `${Math.min(recall, otherRecall) * 100}%`,
            width: `${Math.abs(recall - otherRecall) * 100}%`,
          }}
        />
        <span class="dumbbell-from" style={{ left: `${otherRecall * 100}%` }} />
        <span class={`dumbbell-to ${direction}`} style={{ left: `${recall * 100}%` }} />
      </span>
      <span class="number change-ends">
        {formatPercent(otherRecall, 0)} → {formatPercent(recall, 0)}
      </span>
      <span class={`number change ${direction}`}>{formatPoints(recall - otherRecall)}</span>
    </>
  )
}

interface PhotoChangeProps {
  readonly change: ChangedPhoto
  readonly report: EvaluationReport
  readonly otherName: string
}

function PhotoChange({ change, report, otherName }: PhotoChangeProps) {
  const photo = report.photos[change.photo]
  if (photo === undefined) return null
  const other = { name: otherName, predicted: change.otherPredicted, score: change.otherScore }
  return <AnsweredPhoto photo={photo} labels={report.labels} other={other} />
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
