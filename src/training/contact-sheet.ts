/** Findings → the data of a page that shows their photos. */
import { join } from 'node:path'
import pMap from 'p-map'
import { readVersion } from '../core/version.ts'
import { FINDING_KINDS, type Finding, type FindingKind } from '../datasets/findings.ts'
import { groupBy } from '../datasets/group-by.ts'
import { countLabels } from '../datasets/label-counts.ts'
import type { ScannedDataset } from '../datasets/scan.ts'
import { makeThumbnail } from '../images/thumbnail.ts'
import type { DatasetReport } from './report.ts'

/** Findings of a kind, and photos of a finding, that have pictures: beyond that a page becomes slow to open. */
const PICTURED_FINDINGS = 40
const PICTURED_PHOTOS = 12
/** Pictures of a label, and of all labels together. */
const PICTURES_PER_LABEL = 6
const LABEL_PICTURES = 600
const THUMBNAILS_AT_ONCE = 4
/** Paths that say nothing about the photo itself. */
const WITHOUT_PICTURE: readonly FindingKind[] = ['no-label']

/** Makes the pictures and gives the report; every path of every finding is in it. */
export async function buildContactSheet(
  { name, id, root, photos, sizeBytes }: ScannedDataset,
  findings: readonly Finding[],
  signal?: AbortSignal,
): Promise<DatasetReport> {
  const counts = countLabels(photos)
  const perLabel = Math.floor(LABEL_PICTURES / Math.max(1, counts.length))
  const pictured = Math.max(1, Math.min(PICTURES_PER_LABEL, perLabel))
  const byLabel = groupBy(photos, ({ label }) => label)
  const samples = new Map(
    counts.map(({ label }) => {
      const paths = (byLabel.get(label) ?? []).map(({ path }) => path)
      const step = Math.max(1, Math.floor(paths.length / pictured))
      return [label, paths.filter((_, index) => index % step === 0).slice(0, pictured)]
    }),
  )
  const shown = FINDING_KINDS.filter((kind) => !WITHOUT_PICTURE.includes(kind)).flatMap((kind) =>
    findings
      .filter((finding) => finding.kind === kind)
      .slice(0, PICTURED_FINDINGS)
      .flatMap(({ paths }) => paths.slice(0, PICTURED_PHOTOS)),
  )
  const contents = new Map(photos.map(({ path, load }) => [path, load]))
  // Broken photos are not among those of the dataset.
  const picture = (path: string) => makeThumbnail(contents.get(path) ?? join(root, path))
  const wanted = new Set([...shown, ...[...samples.values()].flat()])
  const thumbnails = new Map(
    await pMap(wanted, async (path) => [path, await picture(path)] as const, {
      concurrency: THUMBNAILS_AT_ONCE,
      ...(signal === undefined ? {} : { signal }),
    }),
  )
  const isShown = new Set(shown)
  const labelOf = new Map(photos.map(({ path, label }) => [path, label]))
  return {
    kind: 'dataset',
    format: 1,
    vergerVersion: readVersion(),
    createdAt: new Date().toISOString(),
    dataset: { name, id, photos: photos.length, sizeBytes },
    labels: counts.map(({ label, photos: count }) => ({
      label,
      photos: count,
      thumbnails: (samples.get(label) ?? []).flatMap((path) => thumbnails.get(path) ?? []),
    })),
    findings: findings.map(({ kind, message, paths, labels }) => ({
      kind,
      message,
      photos: paths.map((path) => {
        const thumbnail = isShown.has(path) ? thumbnails.get(path) : undefined
        // Broken photos are not among those of the dataset, but the finding knows their label.
        const label = labelOf.get(path) ?? labels[0] ?? ''
        return { path, label, ...(thumbnail === undefined ? {} : { thumbnail }) }
      }),
    })),
  }
}
