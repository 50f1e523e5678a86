/** What `verger doctor` looks at: one function per question, each giving a finding with its remedy. */
import { constants, promises as fs, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { freemem, platform } from 'node:os'
import { dirname } from 'node:path'
import {
  type Backbone,
  findBackbone,
  listBackboneIds,
  resolveWeights,
  SHIPPED_BACKBONES,
} from '../backbones/catalog.ts'
import { type Config, DEFAULT_PORT } from '../core/config.ts'
import { toVergerError } from '../core/errors.ts'
import { sha256OfFile } from '../core/hashes.ts'
import { PROBE_GIF, PROBE_JPEG } from '../images/probe-photos.ts'
import { openServingHost } from '../serving/serving-host.ts'

/** `slow` hurts, `broken` makes a command fail. */
export const SEVERITIES = ['fine', 'slow', 'broken'] as const
export type Severity = (typeof SEVERITIES)[number]

export interface Finding {
  readonly subject: string
  readonly severity: Severity
  /** What was found. */
  readonly text: string
  /** What to do about it; absent where all is well. */
  readonly remedy?: string
}

export type Check = (config: Config) => Promise<Finding>

const GIB = 1024 ** 3
/** Free disk space that a first data set and its features need. */
const WANTED_DISK_BYTES = 2 * GIB
/** What a worker takes at most: `npm run bench -- cold` prints the peak of a whole process with one photo. */
const WORKER_BYTES = 150 * 1024 ** 2
const WANTED_OPEN_FILES = 1024
const SHORT_TOKEN = 16
/** The tests of the project run on these. */
const TESTED_NODE_MAJORS = [20, 22, 24]

/** Every check, in the order in which findings are shown. */
export const CHECKS: readonly Check[] = [
  checkNode,
  checkRuntime,
  checkDecoder,
  checkWeights,
  checkKeptBackbones,
  checkPrediction,
  checkProcessor,
  checkMemory,
  checkHome,
  checkBlobs,
  checkOpenFiles,
  checkPort,
  checkToken,
]

const fine = (subject: string, text: string): Finding => ({ subject, severity: 'fine', text })
const slow = (subject: string, text: string, remedy: string): Finding => ({
  subject,
  severity: 'slow',
  text,
  remedy,
})
const broken = (subject: string, text: string, remedy: string): Finding => ({
  subject,
  severity: 'broken',
  text,
  remedy,
})

async function checkNode(): Promise<Finding> {
  const major = Number(process.versions.node.split('.')[0])
  const text = `Node.js ${process.versions.node} on ${platform()} ${process.arch}`
  if (TESTED_NODE_MAJORS.includes(major)) return fine('node', text)
  return slow('node', `${text} is not tested`, `Use Node.js ${TESTED_NODE_MAJORS.join(', ')}.`)
}

async function checkRuntime(): Promise<Finding> {
  try {
    const { runtimeVersion } = await import('../tensor/session.ts')
    return fine('onnxruntime', `ONNX Runtime ${runtimeVersion()} loads`)
  } catch (error) {
    const remedy =
      'Install again with npm; on Linux, glibc 2.28 or later is needed (Alpine has none).'
    return broken('onnxruntime', `ONNX Runtime does not load: ${messageOf(error)}`, remedy)
  }
}

async function checkDecoder(): Promise<Finding> {
  try {
    const { default: sharp } = await import('sharp')
    return fine(
      'decoder',
      `sharp ${sharp.versions.sharp} with libvips ${sharp.versions.vips} loads`,
    )
  } catch (error) {
    const remedy =
      'Install again with npm and without --omit=optional: the decoder comes as an optional package.'
    return broken('decoder', `The photo decoder does not load: ${messageOf(error)}`, remedy)
  }
}

async function checkWeights(): Promise<Finding> {
  const remedy = 'Install Verger again; in a clone, npm run weights makes the files.'
  try {
    for (const backbone of SHIPPED_BACKBONES) await requireHash(backbone)
    return fine('weights', `${SHIPPED_BACKBONES.map(({ id }) => id).join(', ')}: as published`)
  } catch (error) {
    return broken('weights', messageOf(error), remedy)
  }
}

async function requireHash(backbone: Backbone): Promise<void> {
  const { id, weights } = backbone
  const received = await sha256OfFile(resolveWeights(backbone))
  if (received === weights.sha256) return
  throw new Error(`Expected SHA-256 ${weights.sha256} for ${id}, received ${received}`)
}

async function checkKeptBackbones({ home }: Config): Promise<Finding> {
  const shipped = SHIPPED_BACKBONES.map(({ id }) => id)
  const faults: string[] = []
  let ids: readonly string[] = []
  let damaged = ''
  try {
    ids = listBackboneIds(home).filter((id) => !shipped.includes(id))
  } catch (error) {
    faults.push(messageOf(error))
  }
  for (const id of ids) {
    try {
      await requireHash(findBackbone(id, home))
    } catch (error) {
      damaged ||= id
      faults.push(messageOf(error))
    }
  }
  if (faults.length > 0) {
    const remedy = `verger backbones delete ${damaged || 'ID'} removes it; then pull or import it again.`
    return broken('backbones', faults.join('; '), remedy)
  }
  return fine(
    'backbones',
    ids.length === 0 ? 'none beside the shipped one' : `${ids.join(', ')}: as they were made`,
  )
}

async function checkPrediction({ limits }: Config): Promise<Finding> {
  const startMs = performance.now()
  const host = openServingHost({ workers: 1, limits })
  try {
    await host.predict({ source: 'doctor', photo: PROBE_JPEG })
    const elapsedMs = Math.round(performance.now() - startMs)
    await host.predict({ source: 'doctor', photo: PROBE_GIF })
    return fine('prediction', `A photo is answered ${elapsedMs} ms after a cold start`)
  } finally {
    await host.close()
  }
}

async function checkProcessor({ workers }: Config): Promise<Finding> {
  const flags = platform() === 'linux' ? readFileSync('/proc/cpuinfo', 'utf8') : undefined
  const { availableParallelism } = await import('node:os')
  const cores = availableParallelism()
  const text = `${workers} workers on ${cores} cores`
  if (flags !== undefined && process.arch === 'x64' && !/\bavx2\b/.test(flags)) {
    return slow(
      'processor',
      `${text} without AVX2`,
      'Use a processor with AVX2: ONNX Runtime is much slower without it.',
    )
  }
  if (workers > cores) {
    return slow('processor', text, `Unset VERGER_WORKERS, or set it to ${cores}.`)
  }
  return fine('processor', text)
}

async function checkMemory({ workers }: Config): Promise<Finding> {
  const meminfo = platform() === 'linux' ? readFileSync('/proc/meminfo', 'utf8') : ''
  const available = Number(/^MemAvailable:\s+(\d+) kB/m.exec(meminfo)?.[1] ?? 0) * 1024 || freemem()
  const needed = WORKER_BYTES * (workers + 1)
  const text = `${(available / GIB).toFixed(1)} GiB of memory available`
  if (available >= needed) return fine('memory', text)
  return broken(
    'memory',
    `${text}, ${workers} workers need ${(needed / GIB).toFixed(1)} GiB`,
    'Lower VERGER_WORKERS.',
  )
}

async function checkHome({ home }: Config): Promise<Finding> {
  try {
    const existing = nearestFolder(home)
    await fs.access(existing, constants.W_OK)
    const { bavail, bsize } = await fs.statfs(existing)
    const text = `${home} is writable, ${((bavail * bsize) / GIB).toFixed(1)} GiB free`
    if (bavail * bsize >= WANTED_DISK_BYTES) return fine('home', text)
    return slow('home', text, 'Free some space, or point VERGER_HOME to a larger disk.')
  } catch (error) {
    return broken(
      'home',
      `${home} cannot be written: ${messageOf(error)}`,
      'Point VERGER_HOME to a folder of yours.',
    )
  }
}

/** Asks for a blob that nobody has. */
async function checkBlobs({ blobsUrl }: Config): Promise<Finding> {
  if (blobsUrl === undefined) return fine('blobs', 'files of versions lie in the home folder')
  try {
    const [{ openBucket }, { parseBucketUrl }, { createBucketBlobStore }] = await Promise.all([
      import('../buckets/open-bucket.ts'),
      import('../buckets/bucket-url.ts'),
      import('../store/bucket-blob-store.ts'),
    ])
    const place = parseBucketUrl(blobsUrl)
    await createBucketBlobStore(await openBucket(place), place.prefix).has('0'.repeat(64))
    return fine('blobs', `${blobsUrl} answers`)
  } catch (error) {
    const { message, hint = 'Check VERGER_BLOBS_URL.' } = toVergerError(error)
    return broken('blobs', message, hint)
  }
}

/** The folder itself, or the one in which it would be created. */
function nearestFolder(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return nearestFolder(dirname(path))
  if (!stats.isDirectory()) throw new Error(`${path} is not a folder`)
  return path
}

async function checkOpenFiles(): Promise<Finding> {
  const report = process.report.getReport() as {
    userLimits?: { open_files?: { soft: number | string } }
  }
  const soft = report.userLimits?.open_files?.soft
  if (typeof soft !== 'number') return fine('open files', 'no limit')
  if (soft >= WANTED_OPEN_FILES) return fine('open files', `at most ${soft}`)
  return slow(
    'open files',
    `at most ${soft}: that many connections are too few`,
    `ulimit -n ${WANTED_OPEN_FILES}`,
  )
}

async function checkPort(): Promise<Finding> {
  const isFree = await new Promise<boolean>((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen({ port: DEFAULT_PORT, host: '127.0.0.1' }, () => probe.close(() => resolve(true)))
  })
  if (isFree) return fine('port', `${DEFAULT_PORT} is free`)
  return slow(
    'port',
    `${DEFAULT_PORT} is taken, perhaps by a Verger that runs already`,
    'verger up --port 4401',
  )
}

async function checkToken({ token }: Config): Promise<Finding> {
  if (token === undefined)
    return fine(
      'token',
      'VERGER_TOKEN is not set: without verger tokens the server answers on loopback only',
    )
  if (token.length >= SHORT_TOKEN) return fine('token', 'set')
  return slow(
    'token',
    `VERGER_TOKEN has ${token.length} characters and can be guessed`,
    'openssl rand -hex 32 gives a good one.',
  )
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
