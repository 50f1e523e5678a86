/** What is wrong with the manifest of a bundle, which may come from anywhere. */
import { SCALINGS } from '../learn/scaling.ts'

/** Networks for smaller photos have none in them, and a larger one would only exhaust the memory. */
const [MIN_SIDE, MAX_SIDE] = [8, 1024]
/** A file lies in the bundle's own folder and is no hidden one. */
const FILE_NAME = /^[\w-][\w.-]*$/
const SHA256 = /^[0-9a-f]{64}$/

type Fields = Readonly<Record<string, unknown>>
/** Fields by their path, and whether each is as it should be. */
type Expectations = readonly (readonly [string, boolean])[]

/** Names each field that is not as `BundleManifest` describes it; none where all are. */
export function findBundleFaults(manifest: unknown): string[] {
  const { backbone, labels, head, training, imported, files } = fieldsOf(manifest)
  const { scaling, temperature, unsureBelow, unknownAbove } = fieldsOf(head)
  const { id, sha256, preprocessing, views, features, licence } = fieldsOf(backbone)
  const { dataset, photos, photosPerLabel, seed, l2 } = fieldsOf(training)
  const trained: Expectations = [
    ['training.dataset', isText(dataset)],
    ['training.photos', isCount(photos)],
    ['training.photosPerLabel', isFilledList(photosPerLabel, isCount)],
    ['training.seed', isNumber(seed)],
    ['training.l2', isNumber(l2)],
  ]
  const source = fieldsOf(imported)
  const foreign: Expectations = [
    ['training', training === undefined],
    ['imported.sha256', isText(source['sha256'])],
    ['imported.readAs', isText(source['readAs'])],
    ['imported.notes', Array.isArray(source['notes']) && source['notes'].every(isText)],
  ]
  const expectations: Expectations = [
    ['backbone.id', isText(id)],
    ['backbone.sha256', isText(sha256)],
    ['backbone.preprocessing', isText(preprocessing)],
    ['backbone.views', isFilledList(views, isView)],
    ['backbone.features', isCount(features) && features > 0],
    ['backbone.licence', isText(licence)],
    ['labels', isFilledList(labels, isText)],
    ['head.scaling', SCALINGS.some((known) => known === scaling)],
    ['head.temperature', isNumber(temperature) && temperature > 0],
    ['head.unsureBelow', isNumber(unsureBelow)],
    ['head.unknownAbove', isNumber(unknownAbove)],
    ...(imported === undefined ? trained : foreign),
    ['files', files !== null && typeof files === 'object' && Object.entries(files).every(isFile)],
  ]
  return expectations.flatMap(([name, isFine]) => (isFine ? [] : [name]))
}

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? (value as Fields) : {}

const isText = (value: unknown): value is string => typeof value === 'string'
const isNumber = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value)
const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0

const isFilledList = (value: unknown, isItem: (item: unknown) => boolean): boolean =>
  Array.isArray(value) && value.length > 0 && value.every(isItem)

function isView(value: unknown): boolean {
  const { size, mirrored } = fieldsOf(value)
  const isSide = isCount(size) && size >= MIN_SIDE && size <= MAX_SIDE
  return isSide && typeof mirrored === 'boolean'
}

function isFile([name, entry]: [string, unknown]): boolean {
  const { sha256, sizeBytes } = fieldsOf(entry)
  return FILE_NAME.test(name) && isText(sha256) && SHA256.test(sha256) && isCount(sizeBytes)
}
