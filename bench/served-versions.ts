import { mkdirSync, readFileSync } from 'node:fs'
import type { BundleFiles } from '../dist/bundles/verify-bundle.js'
import { sha256 } from '../dist/core/hashes.js'
import { atMost, figure, type Measurement, median, quantile } from './measurement.ts'
import { type Server, startVerger } from './rivals.ts'
import { prepareBundles } from './served-bundles.ts'

const MODEL = 'shelf'
const BATCH = 16

/** What a version costs beside another one on the same backbone, and what a photo costs beside fifteen others. */
export async function* benchServedVersions({
  folder,
  paths,
  isQuick,
}: {
  readonly folder: string
  readonly paths: readonly string[]
  readonly isQuick: boolean
}): AsyncGenerator<Measurement> {
  const versions = isQuick ? 20 : 200
  mkdirSync(folder, { recursive: true })
  const bundleOf = await prepareBundles(paths)
  const photos = paths.slice(0, BATCH).map((path) => readFileSync(path))
  const [photo = Buffer.alloc(0)] = photos
  const server = await startVerger(folder)
  try {
    await createVersion(server, 'v1', bundleOf(1))
    const answerOf = (version?: string) => ask(server, photo, version)
    for (let warming = 0; warming < 20; warming++) await answerOf('v1')
    const alone: number[] = []
    for (let round = 0; round < 20; round++) alone.push(await timeOf(() => answerOf('v1')))
    const firstMb = residentMb(server)

    const toServing: number[] = []
    for (let number = 2; number <= versions; number++) {
      const version = `v${number}`
      const files = bundleOf(number)
      toServing.push(
        await timeOf(async () => {
          await createVersion(server, version, files)
          await answerOf(version)
        }),
      )
    }
    yield figure('one photo, median', median(alone), 'ms')
    yield figure('upload, versions create, its first answer, median', median(toServing), 'ms')
    yield atMost(
      'upload, versions create, its first answer, 99th percentile',
      quantile(toServing, 0.99),
      'ms',
      300,
    )
    yield atMost(
      `memory of ${versions} versions over that of the first`,
      residentMb(server) - firstMb,
      'MB',
      300,
    )

    const switches: number[] = []
    for (let round = 0; round < 50; round++) {
      switches.push(await timeOf(() => setDefault(server, `v${2 + (round % 2)}`)))
    }
    yield atMost('PUT …/default of a loaded version, median', median(switches), 'ms', 5)
    yield figure(
      'PUT …/default of a loaded version, 99th percentile',
      quantile(switches, 0.99),
      'ms',
    )

    const together: number[] = []
    const apart: number[] = []
    for (let round = 0; round < (isQuick ? 5 : 60); round++) {
      together.push(await timeOf(() => askTogether(server, photos)))
      apart.push(await timeOf(() => Promise.all(photos.map((each) => ask(server, each)))))
    }
    yield figure(`${BATCH} photos in one request, median`, median(together), 'ms')
    yield figure(`${BATCH} requests at once, median`, median(apart), 'ms')
    yield atMost('ratio', median(together) / median(apart), '×', 1)
  } finally {
    await server.stop()
  }
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await work()
  return performance.now() - startMs
}

/** Answers of a named version; without one, of the backbone. */
async function ask({ url }: Server, photo: Buffer, version?: string): Promise<void> {
  const query = version === undefined ? '' : `?model=${MODEL}&version=${version}`
  await expectOk(
    await fetch(`${url}/predict${query}`, {
      method: 'POST',
      headers: { 'content-type': 'image/jpeg' },
      body: new Uint8Array(photo),
    }),
  )
}

/** As `verger versions create --server` does: the files that the server lacks, and then what they are. */
async function createVersion({ url }: Server, name: string, files: BundleFiles): Promise<void> {
  const hashes: Record<string, string> = {}
  for (const [file, bytes] of files) {
    const hash = sha256(bytes)
    hashes[file] = hash
    await expectOk(
      await fetch(`${url}/api/blobs/${hash}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/octet-stream' },
        body: new Uint8Array(bytes),
      }),
    )
  }
  await expectOk(
    await fetch(`${url}/api/models/${MODEL}/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name, files: hashes }),
    }),
  )
}

async function setDefault({ url }: Server, version: string): Promise<void> {
  await expectOk(
    await fetch(`${url}/api/models/${MODEL}/default`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ version }),
    }),
  )
}

async function askTogether({ url }: Server, photos: readonly Buffer[]): Promise<void> {
  const form = new FormData()
  for (const photo of photos) form.append('photo', new Blob([new Uint8Array(photo)]), 'photo.jpg')
  await expectOk(await fetch(`${url}/predict`, { method: 'POST', body: form }))
}

async function expectOk(response: Response): Promise<void> {
  const text = await response.text()
  if (!response.ok) throw new Error(`Expected an answer, received ${text}`)
}

/** Resident memory of a living process, from the kernel. */
function residentMb({ process: { pid } }: Server): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return (Number(kilobytes) * 1024) / 1e6
}
