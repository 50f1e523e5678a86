/** The rules of the architecture as pure functions of source texts. */
import { posix } from 'node:path'

/** Folders of `src` from the bottom to the top. A folder may import from lower rows and from itself, nothing else. */
export const LEVELS: readonly (readonly string[])[] = [
  ['core'],
  ['buckets', 'client'],
  ['tensor', 'store', 'download', 'archives'],
  ['images', 'backbones', 'learn'],
  ['datasets'],
  ['features'],
  ['bundles'],
  ['registry', 'engines', 'importing'],
  ['training', 'serving'],
  ['deployment'],
  ['jobs'],
  ['pipelines'],
  ['server', 'cli'],
]

/** The one arrow between neighbours: `verger up` starts the server. */
const ALLOWED_SIDEWAYS: ReadonlySet<string> = new Set(['cli → server'])
const BARREL = 'src/index.ts'
/** Packages that one file alone may import. */
const SOLE_IMPORTERS: Readonly<Record<string, string>> = {
  'onnxruntime-node': 'src/tensor/session.ts',
}
const ENVIRONMENT_READER = 'src/core/config.ts'
const FORBIDDEN_NAMES = ['utils', 'util', 'helpers', 'helper', 'common', 'misc']

export interface SourceFile {
  /** From the root of the repository, e.g. `src/core/errors.ts`. */
  readonly path: string
  readonly text: string
}

/** Gives one sentence for each broken rule. */
export function findViolations(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    const code = withoutComments(text)
    return [
      ...findImports(code).flatMap((specifier) => judgeImport(path, specifier)),
      ...judgeFile(path, code),
    ]
  })
}

function judgeFile(path: string, code: string): string[] {
  const faults: string[] = []
  const name = posix.basename(path).replace(/\..*$/, '')
  if (FORBIDDEN_NAMES.includes(name)) {
    faults.push(`${path}: a file is named after its main export, never ${name}`)
  }
  if (path !== ENVIRONMENT_READER && readsEnvironment(code)) {
    faults.push(`${path}: only ${ENVIRONMENT_READER} may read process.env`)
  }
  if (path !== BARREL && isReExport(code)) {
    faults.push(`${path}: re-exports from another file; only ${BARREL} is a barrel`)
  }
  return faults
}

function judgeImport(path: string, specifier: string): string[] {
  if (!specifier.startsWith('.')) {
    const owner = SOLE_IMPORTERS[packageOf(specifier)]
    if (owner === undefined || owner === path) return []
    return [`${path} imports ${specifier}: only ${owner} may`]
  }
  const target = posix.join(posix.dirname(path), specifier)
  if (path === BARREL || !target.startsWith('src/')) return []
  if (target === BARREL) return [`${path} imports ${specifier}: nothing in src imports the barrel`]

  const from = folderOf(path)
  const to = folderOf(target)
  const fromLevel = levelOf(from)
  const toLevel = levelOf(to)
  if (fromLevel < 0)
    return [`${path}: the folder ${from} has no level in test/architecture/arrows.ts`]
  if (toLevel < 0) return [`${path} imports ${specifier}: the folder ${to} has no level`]
  if (from === to || toLevel < fromLevel || ALLOWED_SIDEWAYS.has(`${from} → ${to}`)) return []
  const direction = toLevel > fromLevel ? 'up' : 'sideways'
  return [`${path} imports ${specifier}: an arrow from ${from} to ${to} points ${direction}`]
}

const levelOf = (folder: string): number => LEVELS.findIndex((level) => level.includes(folder))

/** `src/core/errors.ts` → `core`. */
const folderOf = (path: string): string => path.split('/')[1] ?? ''

/** `@scope/name/file.js` → `@scope/name`. */
function packageOf(specifier: string): string {
  const parts = specifier.split('/')
  return parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
}

/** Specifiers of static, dynamic and type-only imports, of re-exports, `require` and `new URL(…, import.meta.url)`. */
export function findImports(code: string): string[] {
  const patterns = [
    /\b(?:import|export)\b[^'"`;()]*?\bfrom\s*['"]([^'"]+)['"]/g,
    /\bimport\s*['"]([^'"]+)['"]/g,
    /\b(?:import|require|resolve)\s*\(\s*['"`]([^'"`]+)['"`]/g,
    /\bnew\s+URL\s*\(\s*['"`](\.[^'"`]+\.[jt]s)['"`]\s*,\s*import\.meta\.url/g,
  ]
  return patterns.flatMap((pattern) =>
    [...code.matchAll(pattern)].map(([, specifier]) => specifier ?? ''),
  )
}

const readsEnvironment = (code: string): boolean =>
  /\bprocess\s*(?:\?\.|\.)\s*env\b|\bprocess\s*\[\s*['"`]env|\{[^}]*\benv\b[^}]*\}\s*=\s*process\b|\bimport\s*\{[^}]*\benv\b[^}]*\}\s*from\s*['"]node:process/.test(
    code,
  )

const isReExport = (code: string): boolean =>
  /^\s*export\s+(?:type\s+)?(?:\*|\{[^}]*\}\s*from\b)/m.test(code)

/** Comments become spaces; what stands inside quotes is kept. */
export function withoutComments(text: string): string {
  const token = /(['"`])(?:\\.|(?!\1)[^\\])*\1|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g
  return text.replace(token, (found, quote) => (quote === undefined ? ' ' : found))
}
