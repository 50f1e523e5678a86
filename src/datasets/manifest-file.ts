/**
 * A CSV or JSONL file that lists photos → candidates.
 *
 * Columns: `path` and `label`, and where wanted `split` and `group`; names in any case, other columns are ignored. A path
 * starts at the folder of the file.
 */
import { readFile } from 'node:fs/promises'
import { dirname, extname, posix, relative, resolve, sep } from 'node:path'
import { CsvError } from 'csv-parse'
import { parse } from 'csv-parse/sync'
import { VergerError } from '../core/errors.ts'
import type { Candidate, FoundCandidates } from './candidates.ts'
import { compareCodePoints } from './code-point-order.ts'
import { faultsError } from './faults.ts'
import { SPLITS } from './manifest.ts'
import { parseSplit } from './split-names.ts'

/** Extensions of files that are read as manifests. */
export const MANIFEST_EXTENSIONS = ['.csv', '.jsonl', '.ndjson'] as const

const COLUMNS = ['path', 'label', 'split', 'group'] as const
type Column = (typeof COLUMNS)[number]

/** One line of the file: text by column, absent where the line has none. */
interface Row {
  readonly line: number
  readonly cells: Readonly<Partial<Record<Column, string>>>
}

interface ParsedFile {
  readonly rows: readonly Row[]
  readonly faults: readonly string[]
}

const HINT = 'Each line needs a path, from the folder of the manifest, and a label.'

/**
 * Reads the file. Where paths climb out of its folder (`../photos/1.jpg`) the root is as many folders further up.
 * Throws `dataset_invalid` with every fault and its line.
 *
 * @param isConfined - refuses paths that climb: for manifests that somebody else made
 */
export async function readManifestFile(
  file: string,
  { isConfined = false } = {},
): Promise<FoundCandidates> {
  const text = await readText(file)
  const { rows, faults } =
    extname(file).toLowerCase() === '.csv' ? parseCsv(text) : parseJsonl(text)
  const allFaults = [...faults]
  const lineOf = new Map<string, number>()
  const photos: ListedPhoto[] = []
  for (const { line, cells } of rows) {
    const rowFaults = findRowFaults(cells, isConfined)
    const photo = toPhoto(cells, dirname(file))
    const before = cells.path ? lineOf.get(photo.file) : undefined
    if (before !== undefined) rowFaults.push(`${cells.path} stands on line ${before} already`)
    lineOf.set(photo.file, before ?? line)
    if (rowFaults.length === 0) photos.push(photo)
    allFaults.push(...rowFaults.map((fault) => `line ${line}: ${fault}`))
  }
  if (allFaults.length > 0) {
    throw faultsError(`Expected a manifest in ${file}`, allFaults, { hint: HINT })
  }
  return placeBelowRoot(dirname(file), photos)
}

interface ListedPhoto extends Omit<Candidate, 'path' | 'load'> {
  readonly file: string
}

async function readText(file: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file))
  } catch (cause) {
    const reason = cause instanceof TypeError ? 'bytes that are not UTF-8' : String(cause)
    throw new VergerError('dataset_invalid', `Expected a manifest in ${file}, received ${reason}`, {
      hint: 'Save the file as UTF-8 and check that it can be read.',
      cause,
    })
  }
}

function parseCsv(text: string): ParsedFile {
  let records: { readonly record: string[]; readonly info: { readonly lines: number } }[]
  try {
    records = parse(text, {
      bom: true,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
    }) as unknown as typeof records
  } catch (error) {
    if (error instanceof CsvError) return { rows: [], faults: [error.message] }
    throw error
  }
  const [header, ...lines] = records
  const names = (header?.record ?? []).map((name) => name.trim().toLowerCase())
  const faults = (['path', 'label'] as const)
    .filter((column) => !names.includes(column))
    .map(
      (column) =>
        `line 1: expected a column '${column}', received ${
          names.length === 0 ? 'nothing' : (header?.record ?? []).join(', ')
        }`,
    )
  for (const column of COLUMNS) {
    if (names.indexOf(column) !== names.lastIndexOf(column)) {
      faults.push(`line 1: expected one column '${column}', received several`)
    }
  }
  if (faults.length > 0) return { rows: [], faults }
  const places = COLUMNS.map((column) => [column, names.indexOf(column)] as const)
  const rows = lines.map(({ record, info }) => {
    const cells: Partial<Record<Column, string>> = {}
    for (const [column, place] of places) {
      const cell = record[place]
      if (cell !== undefined) cells[column] = cell
    }
    return { line: info.lines, cells }
  })
  return { rows, faults }
}

function parseJsonl(text: string): ParsedFile {
  const rows: Row[] = []
  const faults: string[] = []
  for (const [index, lineText] of text.split('\n').entries()) {
    if (lineText.trim() === '') continue
    const line = index + 1
    const cells = parseObject(lineText)
    if (typeof cells === 'string') faults.push(`line ${line}: ${cells}`)
    else rows.push({ line, cells })
  }
  return { rows, faults }
}

/** Gives the cells, or what is wrong with the line. */
function parseObject(text: string): Row['cells'] | string {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'expected a JSON object, received other text'
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return 'expected a JSON object, received another value'
  }
  const cells: Partial<Record<Column, string>> = {}
  for (const [name, cell] of Object.entries(value)) {
    const column = COLUMNS.find((known) => known === name.toLowerCase())
    if (column === undefined || cell === null) continue
    if (typeof cell !== 'string') {
      return `expected ${column} as text, received ${JSON.stringify(cell)}`
    }
    cells[column] = cell
  }
  return cells
}

/** What is wrong with a line. */
function findRowFaults(cells: Row['cells'], isConfined: boolean): string[] {
  const { path = '', label = '', split = '' } = cells
  const faults: string[] = []
  if (path === '') faults.push('expected a path, received none')
  else if (posix.isAbsolute(path) || /^[a-z]:[\\/]/i.test(path)) {
    faults.push(`expected a path from the folder of the manifest, received ${path}`)
  } else if (path.includes('\0')) {
    faults.push('expected a path, received one with a zero byte')
  } else if (isConfined && isClimbing(path)) {
    faults.push(`expected a path below the folder of the manifest, received ${path}`)
  }
  if (label === '') faults.push('expected a label, received none')
  if (split.trim() !== '' && parseSplit(split.trim()) === undefined) {
    faults.push(`expected a split among ${SPLITS.join(', ')}, received '${split}'`)
  }
  return faults
}

const isClimbing = (path: string): boolean => `${posix.normalize(path)}/`.startsWith('../')

function toPhoto(cells: Row['cells'], folder: string): ListedPhoto {
  const { path = '', label = '', split = '', group = '' } = cells
  const side = parseSplit(split.trim())
  return {
    file: resolve(folder, path),
    label,
    ...(side === undefined ? {} : { split: side }),
    ...(group === '' ? {} : { group }),
  }
}

function placeBelowRoot(folder: string, photos: readonly ListedPhoto[]): FoundCandidates {
  let root = resolve(folder)
  const isBelow = (file: string) => file.startsWith(root.endsWith(sep) ? root : `${root}${sep}`)
  for (const { file } of photos) while (!isBelow(file)) root = dirname(root)
  const candidates = photos.map(({ file, ...photo }) => ({
    path: relative(root, file).split(sep).join('/'),
    load: file,
    ...photo,
  }))
  candidates.sort((a, b) => compareCodePoints(a.path, b.path))
  return { root, candidates, findings: [] }
}
