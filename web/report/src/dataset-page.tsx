import type { DatasetReport } from '../../../src/training/report.ts'
import { FindingGroup } from './finding-group.tsx'
import { GROUPS } from './finding-groups.ts'
import { formatBytes, formatCount, plural } from './format-numbers.ts'
import { ReportFrame } from './report-frame.tsx'
import { Section } from './section.tsx'

/** What a dataset holds and what is wrong with it, photo by photo. */
export function DatasetPage({ report }: { readonly report: DatasetReport }) {
  const { dataset, labels, findings } = report
  const groups = GROUPS.map((group) => ({
    ...group,
    findings: findings.filter(({ kind }) => kind === group.kind),
  })).filter((group) => group.findings.length > 0)
  const most = Math.max(1, ...labels.map(({ photos }) => photos))

  return (
    <ReportFrame
      eyebrow="Dataset check"
      title={dataset.name}
      lead={`${plural(dataset.photos, 'photo')} under ${plural(labels.length, 'label')}, ${formatBytes(dataset.sizeBytes)}. ${
        findings.length === 0
          ? 'Nothing wrong was found.'
          : `${plural(findings.length, 'finding')} to look at.`
      }`}
      links={[
        ...groups.map(({ kind, title, findings: found }) => ({
          id: kind,
          text: `${title} (${formatCount(found.length)})`,
        })),
        { id: 'labels', text: `Labels (${formatCount(labels.length)})` },
      ]}
      vergerVersion={report.vergerVersion}
      createdAt={report.createdAt}
      facts={[['Dataset version', dataset.id]]}
    >
      {groups.map((group) => (
        <FindingGroup key={group.kind} {...group} />
      ))}
      <Section id="labels" title="Labels">
        <ul class="sheet">
          {labels.map(({ label, photos, thumbnails }) => (
            <li key={label} class="sheet-label">
              <h3>
                <bdi>{label}</bdi>
              </h3>
              <span class="number">{plural(photos, 'photo')}</span>
              <span class="track" aria-hidden="true">
                <span class="fill" style={{ width: `${(photos / most) * 100}%` }} />
              </span>
              <span class="sheet-photos">
                {[...new Set(thumbnails)].map((thumbnail) => (
                  <img key={thumbnail} src={thumbnail} alt={label} decoding="async" />
                ))}
              </span>
            </li>
          ))}
        </ul>
      </Section>
    </ReportFrame>
  )
}
