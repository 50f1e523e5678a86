/** What is wrong with photos that are fine each for itself: the same bytes twice, labels that cannot work. */
import { compareCodePoints } from './code-point-order.ts'
import type { Finding } from './findings.ts'
import { groupBy } from './group-by.ts'
import type { DatasetPhoto } from './manifest.ts'

type FaultyPhoto = Pick<DatasetPhoto, 'path' | 'sha256' | 'label'>

/** Fewest different photos of a label: one to learn from, one to measure with. */
const MIN_PHOTOS = 2

/**
 * Finds photos with the same bytes, labels with too few photos and labels that look alike.
 *
 * @param labels - every label of the dataset, also those without a photo that can be read
 */
export function findDatasetFaults(
  photos: readonly FaultyPhoto[],
  labels: ReadonlySet<string>,
): Finding[] {
  return [...findSameBytes(photos), ...findFewPhotos(photos, labels), ...findColliding(labels)]
}

function findSameBytes(photos: readonly FaultyPhoto[]): Finding[] {
  const twoLabels: Finding[] = []
  const duplicates: Finding[] = []
  for (const group of groupBy(photos, ({ sha256 }) => sha256).values()) {
    if (group.length < 2) continue
    const paths = group.map(({ path }) => path)
    const labels = sortLabels(new Set(group.map(({ label }) => label)))
    if (labels.length > 1) {
      const message = `The same bytes stand under ${labels.length} labels: ${quoteAll(labels)}`
      twoLabels.push({ kind: 'two-labels', message, paths, labels })
    } else {
      const message = `The same bytes in ${paths.length} files of ${quoteAll(labels)}`
      duplicates.push({ kind: 'exact-duplicate', message, paths, labels })
    }
  }
  return [...twoLabels, ...duplicates]
}

function findFewPhotos(photos: readonly FaultyPhoto[], labels: ReadonlySet<string>): Finding[] {
  const byLabel = groupBy(photos, ({ label }) => label)
  return sortLabels(labels).flatMap((label) => {
    const group = byLabel.get(label) ?? []
    const different = new Set(group.map(({ sha256 }) => sha256)).size
    if (different >= MIN_PHOTOS) return []
    const has =
      group.length > different
        ? `${group.length} photos with the same bytes`
        : different === 0
          ? 'no photo that can be read'
          : '1 photo'
    const message = `Label ${quote(label)} has ${has}: at least ${MIN_PHOTOS} different ones are needed to learn it and to measure it`
    return [{ kind: 'few-photos', message, paths: group.map(({ path }) => path), labels: [label] }]
  })
}

function findColliding(labels: ReadonlySet<string>): Finding[] {
  const groups = groupBy(sortLabels(labels), foldLabel)
  return [...groups.values()]
    .filter((group) => group.length > 1)
    .map((group) => ({
      kind: 'colliding-labels',
      message: `Labels ${quoteAll(group)} differ in case, spaces at the ends or Unicode form only and are taken as ${group.length} labels`,
      paths: [],
      labels: group,
    }))
}

/** What two labels have in common that a reader would take for one. */
export const foldLabel = (label: string): string =>
  label.normalize('NFC').toLowerCase().normalize('NFC').trim()

const sortLabels = (labels: Iterable<string>): string[] => [...labels].sort(compareCodePoints)

/** Labels that are the same to the eye are told apart by their code points. */
function quoteAll(labels: readonly string[]): string {
  const looks = new Set(labels.map((label) => label.normalize('NFC').trim()))
  const quoted = labels.map(looks.size < labels.length ? quoteCodes : quote)
  return quoted.length === 1
    ? quoted.join('')
    : `${quoted.slice(0, -1).join(', ')} and ${quoted.at(-1)}`
}

const quote = (label: string): string => JSON.stringify(label)

const quoteCodes = (label: string): string =>
  quote(label).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
