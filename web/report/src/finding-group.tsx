import type { FindingKind } from '../../../src/datasets/findings.ts'
import type { DatasetReport } from '../../../src/training/report.ts'
import { CopyPaths } from './copy-paths.tsx'
import { GrowingList } from './growing-list.tsx'
import { PhotoFigure } from './photo-figure.tsx'
import { Section } from './section.tsx'

type Finding = DatasetReport['findings'][number]

/** Findings that are shown at first. */
const FINDINGS_SHOWN = 30
/** Photos of one finding that are shown at first. */
const PHOTOS_SHOWN = 6

interface FindingGroupProps {
  readonly kind: FindingKind
  readonly title: string
  readonly advice: string
  readonly findings: readonly Finding[]
}

/** All findings of one kind, each with its photos side by side. */
export function FindingGroup({ kind, title, advice, findings }: FindingGroupProps) {
  const areSingle = findings.every(({ photos }) => photos.length === 1)
  return (
    <Section
      id={kind}
      title={title}
      lead={advice}
      action={<CopyPaths photos={findings.flatMap(({ photos }) => photos)} />}
    >
      <GrowingList
        items={findings}
        step={FINDINGS_SHOWN}
        className={areSingle ? 'findings findings-single' : 'findings'}
        keyOf={(_finding, index) => index}
      >
        {(finding) => <FindingCard finding={finding} />}
      </GrowingList>
    </Section>
  )
}

function FindingCard({ finding }: { readonly finding: Finding }) {
  const { message, photos } = finding
  const hasPictures = photos.some(({ thumbnail }) => thumbnail !== undefined)
  return (
    <article class="finding">
      <h3>{message}</h3>
      {photos.length > 0 && (
        <GrowingList
          items={photos}
          step={PHOTOS_SHOWN}
          className={hasPictures ? 'photos' : 'paths'}
          keyOf={({ path }) => path}
        >
          {(photo) =>
            hasPictures ? <LabelledPhoto photo={photo} /> : <bdi class="path">{photo.path}</bdi>
          }
        </GrowingList>
      )}
    </article>
  )
}

function LabelledPhoto({ photo }: { readonly photo: Finding['photos'][number] }) {
  const { path, label, thumbnail } = photo
  return (
    <PhotoFigure path={path} thumbnail={thumbnail} alt={`Photo under ${label}`}>
      <span class="is">
        under <bdi>{label}</bdi>
      </span>
    </PhotoFigure>
  )
}
