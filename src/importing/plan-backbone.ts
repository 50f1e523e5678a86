/** What `verger backbones pull` and `import` would do, before they do anything and without a network. */
import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { SHIPPED_BACKBONES } from '../backbones/catalog.ts'
import {
  downloadsFolder,
  isBackboneId,
  keptBackbonesFolder,
  readKeptBackbone,
} from '../backbones/kept-backbones.ts'
import { OFFICIAL_WEIGHTS, type OfficialWeights } from '../backbones/official-weights.ts'
import { VergerError } from '../core/errors.ts'
import { sha256 } from '../core/hashes.ts'
import { readFreeBytes } from '../download/free-space.ts'
import { hashSource, measureSource } from './source-hash.ts'

/** Where the weights come from. */
export type WeightsOrigin =
  | { readonly kind: 'file'; readonly path: string }
  | {
      readonly kind: 'url'
      readonly url: string
      /** Where the file lies until it is read. */
      readonly path: string
      /** Bytes of it that are here from an earlier run. */
      readonly hereBytes: number
    }

export interface BackbonePlan {
  readonly id: string
  readonly architecture: string
  readonly title: string
  readonly licence: string
  readonly origin: WeightsOrigin
  /** As published, or nearly; of a file, as it is. */
  readonly sizeBytes?: number
  /** As published. */
  readonly md5?: string
  /** Names of the classes, where the user gives them. */
  readonly labels?: readonly string[]
  /** Folder that the backbone gets. */
  readonly folder: string
  readonly isThere: boolean
  /** Bytes that may be written where the folder lies. */
  readonly freeBytes: number
}

interface Place {
  readonly home: string
  readonly cwd: string
}

export interface PullRequest {
  readonly id: string
  /** File that is here already. */
  readonly from?: string | undefined
}

/** Throws `backbone_unknown` for what cannot be pulled. */
export async function planPull(
  { id, from }: PullRequest,
  { home, cwd, weightsUrl }: Place & { readonly weightsUrl: string },
): Promise<BackbonePlan> {
  const official = OFFICIAL_WEIGHTS.find((each) => each.id === id)
  if (official === undefined) throw notOfficial(id)
  const { title, licence, aboutBytes, md5 } = official
  return {
    ...{ id, architecture: id, title, licence },
    ...(from === undefined
      ? { origin: await urlOrigin(official, home, weightsUrl), sizeBytes: aboutBytes }
      : await fileOrigin(resolve(cwd, from))),
    ...(md5 === undefined ? {} : { md5 }),
    ...(await placeOf(id, home)),
  }
}

export interface ImportBackboneRequest {
  readonly file: string
  readonly architecture: string
  /** Id of the backbone; by default its architecture and the beginning of the file's hash. */
  readonly name?: string | undefined
  readonly labels?: readonly string[] | undefined
  readonly licence?: string | undefined
}

/** Throws `name_invalid`, `backbone_exists` where the name is that of a shipped one, or `model_invalid`. */
export async function planImport(
  { file, architecture, name, labels, licence = 'not stated' }: ImportBackboneRequest,
  { home, cwd }: Place,
): Promise<BackbonePlan> {
  const path = resolve(cwd, file)
  const from = await fileOrigin(path)
  const hash = await hashSource(path, await measureSource(path))
  const id = name ?? `${architecture}-${hash.slice(0, 12)}`
  requireFreeId(id)
  return {
    ...{ id, architecture, title: `${architecture} with weights of ${path}`, licence, ...from },
    ...(labels === undefined ? {} : { labels }),
    ...(await placeOf(id, home)),
  }
}

/** Throws `name_invalid`, or `backbone_exists` where the id is that of a shipped or an official backbone. */
function requireFreeId(id: string): void {
  if (!isBackboneId(id)) {
    throw new VergerError(
      'name_invalid',
      `Expected lower-case letters, digits, dots, dashes and underscores, received '${id}'`,
      { hint: 'Give it a name with --name, e.g. --name my-network.' },
    )
  }
  const isTaken = [...SHIPPED_BACKBONES, ...OFFICIAL_WEIGHTS].some((known) => known.id === id)
  if (!isTaken) return
  throw new VergerError(
    'backbone_exists',
    `Expected an id of its own, received that of the published ${id}`,
    {
      hint: `Give it another name with --name. For its published weights: verger backbones pull ${id} --from FILE.`,
    },
  )
}

async function placeOf(id: string, home: string) {
  const folder = join(keptBackbonesFolder(home), id)
  return { folder, isThere: isThere(home, id), freeBytes: await readFreeBytes(folder) }
}

/** A damaged one counts as none: it is made again. */
function isThere(home: string, id: string): boolean {
  try {
    return readKeptBackbone(home, id) !== undefined
  } catch {
    return false
  }
}

async function fileOrigin(path: string) {
  const { sizeBytes } = await measureSource(path)
  return { origin: { kind: 'file', path } as const, sizeBytes }
}

async function urlOrigin(
  { id, path: below }: OfficialWeights,
  home: string,
  weightsUrl: string,
): Promise<WeightsOrigin> {
  const url = new URL(below, weightsUrl).href
  const name = `${id}-${sha256(Buffer.from(url)).slice(0, 8)}`
  const path = join(downloadsFolder(home), name)
  const [whole, partial] = [await sizeOf(path), await sizeOf(`${path}.partial`)]
  return { kind: 'url', url, path, hereBytes: whole ?? partial ?? 0 }
}

function notOfficial(id: string): VergerError {
  const ids = OFFICIAL_WEIGHTS.map((official) => official.id).join(', ')
  const isShipped = SHIPPED_BACKBONES.some((shipped) => shipped.id === id)
  return new VergerError(
    'backbone_unknown',
    `Expected one of ${ids}, received '${id}'${isShipped ? ', which ships with Verger' : ''}`,
    {
      hint: isShipped
        ? `verger predict PHOTO --backbone ${id} needs nothing more.`
        : 'verger backbones import FILE --architecture ID takes a file of weights, verger models import a whole classifier.',
    },
  )
}

const sizeOf = (path: string): Promise<number | undefined> =>
  stat(path).then(
    ({ size }) => size,
    () => undefined,
  )
