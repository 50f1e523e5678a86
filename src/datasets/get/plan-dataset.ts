/** What `verger datasets get` would do, before it does anything and without a network. */
import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { VergerError } from '../../core/errors.ts'
import { sha256 } from '../../core/hashes.ts'
import { readFreeBytes } from '../../download/free-space.ts'
import { gotDatasetFolder, readGotDataset } from '../got-dataset.ts'
import { DATASET_CATALOG, type Layout, SAMPLE_FRUITS } from './dataset-catalog.ts'

export interface DatasetRequest {
  /** A name of the catalogue, a URL, or with `from` any name. */
  readonly what: string
  /** Name of the dataset, where it is not to be that of the file behind the URL. */
  readonly name?: string | undefined
  readonly licence?: string | undefined
  /** Archive that is here already. */
  readonly from?: string | undefined
}

/** Where the photos come from. */
export type Origin = { readonly kind: 'composed' } | FileOrigin | UrlOrigin

/** An archive that is here already. */
export interface FileOrigin {
  readonly kind: 'file'
  readonly file: string
}

export interface UrlOrigin {
  readonly kind: 'url'
  readonly url: string
  /** Where the archive lies until it is unpacked. */
  readonly archive: string
  /** Bytes of it that are here from an earlier run. */
  readonly hereBytes: number
}

export interface DatasetPlan {
  readonly name: string
  readonly title: string
  readonly licence: string
  readonly page?: string
  readonly origin: Origin
  /** As published; of a file, as it is. */
  readonly sizeBytes?: number
  /** As published. */
  readonly sha256?: string
  readonly layout: Layout
  /** Folder that the dataset gets. */
  readonly folder: string
  readonly isThere: boolean
  /** Bytes that may be written where the folder lies. */
  readonly freeBytes: number
}

const UNKNOWN_LICENCE = 'not stated'
const ANY_FOLDERS: Layout = { kind: 'folders', marks: [] }
const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/i

/** Throws `dataset_not_found` for an unknown name and `usage_invalid` for what cannot be meant. */
export async function planDataset(
  { what, name, licence, from }: DatasetRequest,
  { home, cwd }: { readonly home: string; readonly cwd: string },
): Promise<DatasetPlan> {
  const known = DATASET_CATALOG.find((dataset) => dataset.name === what)
  const isUrl = /^[a-z][a-z0-9+.-]*:\/\//i.test(what)
  const named = checkName(name ?? (isUrl ? nameOf(parseUrl(what)) : what), what)
  const folder = gotDatasetFolder(home, named)
  const freeBytes = await readFreeBytes(folder)
  const isThere = (await readGotDataset(home, named).catch(() => undefined)) !== undefined
  const place = { name: named, folder, isThere, freeBytes }

  if (what === SAMPLE_FRUITS.name && from === undefined) {
    const { title } = SAMPLE_FRUITS
    return {
      ...{ ...place, title, licence: licence ?? SAMPLE_FRUITS.licence },
      origin: { kind: 'composed' },
      layout: ANY_FOLDERS,
    }
  }
  const { title, page, layout } = known ?? { title: named, page: undefined, layout: ANY_FOLDERS }
  const about = {
    ...{ ...place, title, layout, licence: licence ?? known?.licence ?? UNKNOWN_LICENCE },
    ...(page === undefined ? {} : { page }),
    ...(known?.sha256 === undefined ? {} : { sha256: known.sha256 }),
  }
  if (from !== undefined) {
    const file = resolve(cwd, from)
    const size = (await stat(file).catch(() => undefined))?.size
    const sizeBytes = size === undefined ? {} : { sizeBytes: size }
    return { ...about, ...sizeBytes, origin: { kind: 'file', file } }
  }
  if (known === undefined && !isUrl) throw unknown(what)
  const url = known?.url ?? parseUrl(what).href
  const archive = join(
    home,
    'datasets',
    '.downloads',
    `${named}-${sha256(Buffer.from(url)).slice(0, 8)}`,
  )
  const [whole, partial] = [await sizeOf(archive), await sizeOf(`${archive}.partial`)]
  return {
    ...about,
    ...(known?.sizeBytes === undefined ? {} : { sizeBytes: known.sizeBytes }),
    origin: { kind: 'url', url, archive, hereBytes: whole ?? partial ?? 0 },
  }
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const hint = 'For example https://example.org/fruits.zip, or --from fruits.zip for a file.'
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw new VergerError('usage_invalid', `Expected an http or https URL, received ${text}`, {
      hint,
    })
  }
  if (url.username !== '' || url.password !== '') {
    throw new VergerError('usage_invalid', 'Expected a URL without a user name and password', {
      hint: 'It would be kept in dataset.json. Download the file yourself and give it with --from.',
    })
  }
  url.hash = ''
  return url
}

/** `https://example.org/My%20Fruits.tar.gz` → `my-fruits`. */
function nameOf(url: URL): string {
  const file = url.pathname.split('/').findLast((part) => part !== '') ?? ''
  let text = file
  try {
    text = decodeURIComponent(file)
  } catch {
    // A stray % is part of the name.
  }
  return text
    .toLowerCase()
    .replace(/\.(zip|tar|tgz|tar\.gz)$/, '')
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+|-+$/g, '')
    .slice(0, 64)
}

function checkName(name: string, what: string): string {
  const owner = [SAMPLE_FRUITS, ...DATASET_CATALOG].find((dataset) => dataset.name === name)
  if (owner !== undefined && what !== name) {
    throw new VergerError(
      'usage_invalid',
      `Expected a name that no dataset of the catalogue has, received ${name}`,
      { hint: 'Give it another name with --name.' },
    )
  }
  if (NAME.test(name)) return name
  throw new VergerError(
    'usage_invalid',
    `Expected a name of letters, digits, dots, dashes and underscores, received '${name}'`,
    { hint: 'Give it a name with --name, e.g. --name my-fruits.' },
  )
}

function unknown(what: string): VergerError {
  const names = [SAMPLE_FRUITS, ...DATASET_CATALOG].map(({ name }) => name)
  return new VergerError(
    'dataset_not_found',
    `Expected ${names.join(', ')} or a URL, received ${what}`,
    {
      hint: 'verger datasets get --list shows what there is; --from FILE takes an archive of yours.',
    },
  )
}

const sizeOf = (path: string): Promise<number | undefined> =>
  stat(path).then(
    ({ size }) => size,
    () => undefined,
  )
