/**
 * Reads changed copies of every model in test/fixtures/models in processes that can be killed. Each copy follows from a
 * seed alone, which also picks the model. A finding is a copy that ends with something else than an error of
 * a foreign model or of the zip around it, or that takes more than five seconds or a gigabyte and is not ended by the program itself.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { VergerError } from '../../dist/core/errors.js'
import { type ImportRequest, importInProcess } from '../../dist/importing/import-process.js'
import { type ModelFiles, mutateModel } from './mutate.ts'

const FIXTURES = fileURLToPath(new URL('../fixtures/models', import.meta.url))
const CHILD = new URL('./read-files.mjs', import.meta.url)

const MAX_CPU_MS = 5000
/** After that much real time a process is killed, and the file is asked about again where one counts as its user would. */
const PATIENCE_MS = 8000
const MAX_MEMORY_BYTES = 2 ** 30
/** A new process after so many files, so that what one leaves behind does not count for another. */
const FILES_PER_PROCESS = 250
/** What a model that is broken or cannot be run ends with, and the zip around one. */
const ALLOWED = ['read', 'model_invalid', 'model_unsupported', 'archive_invalid', 'archive_unsafe']

interface Fixture {
  readonly name: string
  readonly format: string
  /** Ends of the names that readers go by. */
  readonly extension: string
  readonly files: ModelFiles
}

export interface Finding {
  readonly fixture: string
  readonly seed: number
  readonly what: string
}

type ReadTask = Pick<ImportRequest, 'path' | 'architecture' | 'scaling'>

interface Reply {
  readonly code: string
  readonly words: string
  readonly cpuMs: number
  readonly memoryBytes: number
}

/** Values that tests compare with are no models. */
const isModel = (name: string): boolean => !/\.(json|json\.gz|md)$/.test(name)

/** Every file or folder in a folder of a format is a model. */
function readFixtures(): Fixture[] {
  const formats = readdirSync(FIXTURES, { withFileTypes: true }).filter((each) =>
    each.isDirectory(),
  )
  return formats.flatMap(({ name: format }) =>
    readdirSync(join(FIXTURES, format))
      .filter(isModel)
      .sort()
      .map((name) => {
        const path = join(FIXTURES, format, name)
        const files = statSync(path).isDirectory() ? readFolder(path) : { '': readFileSync(path) }
        return { name: `${format}/${name}`, format, extension: extname(name), files }
      }),
  )
}

function readFolder(folder: string): ModelFiles {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name))
  return Object.fromEntries(
    paths.sort().map((path) => [path.slice(folder.length + 1), readFileSync(path)]),
  )
}

/** Reads `count` copies, the first of them made with `seed`, and gives what should not have happened. */
export async function fuzz(
  count: number,
  seed: number,
  onProgress: (done: number, codes: ReadonlyMap<string, number>) => void = () => {},
): Promise<Finding[]> {
  const fixtures = readFixtures()
  const pieces = fixtures
    .flatMap(({ files }) => Object.values(files))
    .filter(({ length }) => length > 0)
  const folder = mkdtempSync(join(tmpdir(), 'verger-fuzz-'))
  const codes = new Map<string, number>()
  const findings: Finding[] = []
  let reader = await Reader.start()
  try {
    for (let done = 0; done < count; done++) {
      const fixture = fixtures[(seed + done) % fixtures.length]
      if (fixture === undefined) throw new Error(`Expected models in ${FIXTURES}`)
      const model = mutateModel(fixture.files, seed + done, pieces)
      const path = write(join(folder, 'model'), fixture, model)
      const reply = await reader.read(taskOf(path, fixture.format))
      const task = taskOf(path, fixture.format)
      const isLarge = (reply?.memoryBytes ?? 0) > MAX_MEMORY_BYTES
      const isSlow = (reply?.cpuMs ?? 0) > MAX_CPU_MS
      // Perhaps what earlier files left behind, or a library without end: the program itself has to come to an answer.
      const isDoubtful = reply === undefined || isLarge || isSlow
      const code = isDoubtful ? await importAlone(task, join(folder, 'imported')) : reply?.code
      const counted = `${fixture.format}: ${isDoubtful ? 'ended, ' : ''}${code}`
      codes.set(counted, (codes.get(counted) ?? 0) + 1)
      if (code === undefined || !ALLOWED.includes(code)) {
        findings.push({
          fixture: fixture.name,
          seed: seed + done,
          what: `${code}: ${reply?.words}`,
        })
      }
      if (isDoubtful || reader.files >= FILES_PER_PROCESS) {
        await reader.stop()
        reader = await Reader.start()
      }
      onProgress(done + 1, codes)
    }
  } finally {
    await reader.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  return findings
}

/** State dicts are weights of an architecture; all else is a whole classifier. Scaling is told in case a file does not. */
function taskOf(path: string, format: string): ReadTask {
  const task = { path, scaling: '-1..1' } as const
  return format === 'pytorch' ? { ...task, architecture: 'mobilenet-v2' } : task
}

/** Asks the program itself, whose own process has its limits. */
async function importAlone(task: ReadTask, folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true })
  try {
    await importInProcess({ ...task, folder })
    return 'read'
  } catch (error) {
    return error instanceof VergerError ? error.code : String(error)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function write(base: string, { extension }: Fixture, model: ModelFiles): string {
  rmSync(dirname(base), { recursive: true, force: true })
  const isFile = Object.keys(model).join() === ''
  const path = isFile ? `${base}${extension}` : base
  for (const [name, bytes] of Object.entries(model)) {
    const file = join(path, name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, bytes)
  }
  const onnx = Object.keys(model).find((name) => name.endsWith('.onnx'))
  return onnx === undefined ? path : join(path, onnx)
}

/** A process that reads one file after the other. */
class Reader {
  files = 0
  readonly #child: ChildProcess

  constructor(child: ChildProcess) {
    this.#child = child
  }

  static async start(): Promise<Reader> {
    const child = fork(CHILD, { execArgv: ['--max-old-space-size=768'], env: {} })
    await once(child, 'message')
    return new Reader(child)
  }

  /** Gives nothing where the process ended or had to be killed. */
  read(task: ReadTask): Promise<Reply | undefined> {
    this.files++
    const child = this.#child
    return new Promise((resolve) => {
      const settle = (reply?: Reply) => {
        clearTimeout(timer)
        child.off('message', settle)
        child.off('exit', lose)
        resolve(reply)
      }
      const lose = () => settle()
      const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
      child.once('message', settle)
      child.once('exit', lose)
      child.send(task)
    })
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }
}
