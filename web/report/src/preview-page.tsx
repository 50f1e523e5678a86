import type { PreviewReport } from '../../../src/training/report.ts'
import { formatCount, plural } from './format-numbers.ts'
import { ReportFrame } from './report-frame.tsx'
import { Section } from './section.tsx'

/** Photos as a fine-tuning sees them: a row for each label. */
export function PreviewPage({ report }: { readonly report: PreviewReport }) {
  const { dataset, rows, size, seed } = report
  const epochs = rows[0]?.epochs.length ?? 0
  const labels =
    rows.length < dataset.labels
      ? `${formatCount(rows.length)} of its ${plural(dataset.labels, 'label')}`
      : `each of its ${plural(dataset.labels, 'label')}`
  return (
    <ReportFrame
      eyebrow="Preview of a fine-tuning"
      title={dataset.name}
      lead={`A photo of ${labels}, squashed to the ${size} × ${size} pixels of the network, and changed as its first ${plural(epochs, 'epoch')} will see it. Nothing was trained.`}
      links={[]}
      vergerVersion={report.vergerVersion}
      createdAt={report.createdAt}
      facts={[
        ['Backbone', report.backbone],
        ['Seed', String(seed)],
      ]}
    >
      <Section
        id="photos"
        title="Would you still know them?"
        lead="A change that hides what a photo shows teaches the network nothing. The first picture is the whole photo, as it is judged and served; each epoch sees one of the others."
      >
        <ul class="previews">
          {rows.map(({ label, path, original, epochs: pictures }) => (
            <li key={label} class="preview">
              <h3>
                <bdi>{label}</bdi>
              </h3>
              <bdi class="path hint">{path}</bdi>
              <ul class="preview-pictures">
                <li class="preview-original">
                  <img src={original} alt={`${label}, whole`} width={size} height={size} />
                  <span>whole</span>
                </li>
                {pictures.map((picture, index) => (
                  <li key={picture}>
                    <img
                      src={picture}
                      alt={`${label} in epoch ${index + 1}`}
                      width={size}
                      height={size}
                      decoding="async"
                    />
                    <span>epoch {index + 1}</span>
                  </li>
                ))}
              </ul>
            </li>
          ))}
        </ul>
      </Section>
    </ReportFrame>
  )
}
