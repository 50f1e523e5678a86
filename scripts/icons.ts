/**
 * Makes assets/sample-fruits: one SVG for each icon that `sample-fruits` is composed of. The same inputs give the same bytes.
 *
 *   npx tsx scripts/icons.ts                  fetches the packages with npm, in the versions below
 *   npx tsx scripts/icons.ts --from FOLDER    takes FOLDER/<package>/icons.json, e.g. node_modules
 *
 * The packages are not dependencies because one alone unpacks to 99 MB; what is taken from them is 140 KB. Only sets
 * whose drawings, not just their code, are under MIT or Apache-2.0 qualify; NOTICE names their authors.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { extract } from 'tar'
import { sha256 } from '../src/core/hashes.ts'
import { packagePath } from '../src/core/version.ts'
import {
  FRUIT_KINDS,
  type FruitKind,
  type IconSet,
  iconNames,
} from '../src/datasets/sample-fruits/icon-sets.ts'

interface Source {
  readonly package: string
  readonly version: string
  /** Hash of its icons.json. */
  readonly sha256: string
}

/** Sets that come from packages; the others are drawings of our own, and their SVGs are the source. */
type PackagedSet = Exclude<IconSet['name'], 'verger' | 'verger-flat'>

const SOURCES: Record<PackagedSet, Source> = {
  fluent: {
    package: '@iconify-json/fluent-emoji',
    version: '1.2.7',
    sha256: '87f3336be6f46747d40d046a15ffa8b23809ff7a1a280b5d3521d3782fb85de7',
  },
  'fluent-flat': {
    package: '@iconify-json/fluent-emoji-flat',
    version: '1.2.6',
    sha256: 'f5f4cf457c0db2ad5a2e42e033e02e0c87d10e43d0164cfffb3bb84914970a63',
  },
  noto: {
    package: '@iconify-json/noto',
    version: '1.2.9',
    sha256: '9eac6ef4e7ec122b6f0e7ac281d61008afdbc720d0ce861e398b939daaa347c6',
  },
}

/** Names that the sets give to our kinds, in the order of `iconNames`. */
const THEIR_NAMES: Record<FruitKind, readonly string[]> = {
  apple: ['red-apple', 'green-apple'],
  banana: ['banana'],
  grape: ['grapes'],
  kiwi: ['kiwi-fruit'],
  mango: ['mango'],
  orange: ['tangerine'],
  pear: ['pear'],
  pineapple: ['pineapple'],
  strawberry: ['strawberry'],
}

/** The part of Iconify's format that is read here. */
interface IconifyJson {
  readonly icons: Readonly<Record<string, { readonly body: string }>>
  /** Both sides of every icon, in units of its drawing. */
  readonly width: number
  readonly height: number
}

async function fetchPackage({ package: name, version }: Source, folder: string): Promise<void> {
  const target = join(folder, name)
  mkdirSync(target, { recursive: true })
  const pack = ['pack', '--silent', '--pack-destination', folder, `${name}@${version}`]
  const tarball = execFileSync('npm', pack, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await extract({ file: join(folder, tarball.trim()), cwd: target, strip: 1 })
}

function readIcons(source: Source, folder: string): IconifyJson {
  const path = join(folder, source.package, 'icons.json')
  const bytes = readFileSync(path)
  if (sha256(bytes) !== source.sha256) {
    throw new Error(
      `${source.package} ${source.version}: expected SHA-256 ${source.sha256}, received ${sha256(bytes)} at ${path}`,
    )
  }
  return JSON.parse(bytes.toString('utf8'))
}

function writeIcons(set: PackagedSet, { icons, width, height }: IconifyJson): void {
  const folder = packagePath(`assets/sample-fruits/${set}`)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const kind of FRUIT_KINDS) {
    iconNames(set, kind).forEach((name, index) => {
      const icon = icons[THEIR_NAMES[kind][index] ?? '']
      if (icon === undefined) throw new Error(`${set} has no icon for ${name}`)
      const open = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}">`
      writeFileSync(join(folder, `${name}.svg`), `${open}${icon.body}</svg>\n`)
    })
  }
}

const { from } = parseArgs({ options: { from: { type: 'string' } } }).values
const folder = from ?? mkdtempSync(join(tmpdir(), 'verger-icons-'))
try {
  for (const set of Object.keys(SOURCES) as PackagedSet[]) {
    if (from === undefined) await fetchPackage(SOURCES[set], folder)
    writeIcons(set, readIcons(SOURCES[set], folder))
  }
} finally {
  if (from === undefined) rmSync(folder, { recursive: true, force: true })
}
