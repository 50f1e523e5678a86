import type { EvaluationReport } from '../../../src/training/report.ts'
import { AnsweredPhoto } from './answered-photo.tsx'
import { ComparisonSection } from './comparison-section.tsx'
import { ConfusionSection } from './confusion-section.tsx'
import { CopyPaths } from './copy-paths.tsx'
import { plural } from './format-numbers.ts'
import { GrowingList } from './growing-list.tsx'
import { Headline } from './headline.tsx'
import { LabelTable } from './label-table.tsx'
import { RejectionCurve } from './rejection-curve.tsx'
import { ReliabilityDiagram } from './reliability-diagram.tsx'
import { ReportFrame } from './report-frame.tsx'
import { Section } from './section.tsx'
import { TrainingSection } from './training-section.tsx'
import { TuningSection } from './tuning-section.tsx'

const ERRORS_SHOWN = 24

/** How good a classifier is, and where it is wrong. */
export function EvaluationPage({ report }: { readonly report: EvaluationReport }) {
  const { model, dataset, comparison, training } = report
  const errors = report.confidentErrors.flatMap((index) => report.photos[index] ?? [])
  const links = [
    ...(comparison === undefined ? [] : [{ id: 'comparison', text: 'Comparison' }]),
    { id: 'trust', text: 'Scores' },
    { id: 'confusions', text: 'Confusions' },
    { id: 'errors', text: 'Errors' },
    { id: 'labels', text: 'Labels' },
    ...(training?.tuning === undefined ? [] : [{ id: 'tuning', text: 'Fine-tuning' }]),
    ...(training === undefined ? [] : [{ id: 'training', text: 'Training' }]),
  ]
  const facts: (readonly [string, string])[] = [
    ['Bundle', model.bundle],
    ['Backbone', model.backbone],
    ['Views', model.views],
    ['Dataset', `${dataset.name} ${dataset.id}`],
  ]
  if (comparison !== undefined) facts.push(['Compared with', comparison.other.bundle])

  return (
    <ReportFrame
      eyebrow="Evaluation"
      title={model.name}
      lead={
        <>
          Measured on {plural(dataset.photos, 'photo')} and {plural(report.labels.length, 'label')}{' '}
          of <bdi>{dataset.name}</bdi>: {dataset.choice}.
        </>
      }
      links={links}
      vergerVersion={report.vergerVersion}
      createdAt={report.createdAt}
      facts={facts}
    >
      {dataset.cautions.length > 0 && (
        <aside class="cautions" aria-label="Cautions">
          <h2>Before you believe these figures</h2>
          <ul>
            {dataset.cautions.map((caution) => (
              <li key={caution}>{caution}</li>
            ))}
          </ul>
        </aside>
      )}
      <Headline report={report} />
      {comparison !== undefined && <ComparisonSection report={report} comparison={comparison} />}
      <Section id="trust" title="Can its scores be trusted?">
        <div class="charts">
          <ReliabilityDiagram report={report} />
          <RejectionCurve points={report.rejection} />
        </div>
      </Section>
      <ConfusionSection report={report} />
      <Section
        id="errors"
        title="Where was it surest and wrong?"
        lead={
          errors.length === 0
            ? 'Nowhere: every photo was recognised.'
            : 'Wrong answers, surest first. Some of these photos may stand under a wrong label.'
        }
        action={<CopyPaths photos={errors} />}
      >
        {errors.length > 0 && (
          <GrowingList
            items={errors}
            step={ERRORS_SHOWN}
            className="photos"
            keyOf={({ path }) => path}
          >
            {(photo) => <AnsweredPhoto photo={photo} labels={report.labels} />}
          </GrowingList>
        )}
      </Section>
      <Section id="labels" title="Label by label" lead="Worst first; press a heading to sort.">
        <LabelTable figures={report.perLabel} />
      </Section>
      {training?.tuning !== undefined && <TuningSection tuning={training.tuning} />}
      {training !== undefined && <TrainingSection training={training} />}
    </ReportFrame>
  )
}
