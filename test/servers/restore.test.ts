/** Everything is lost: one command has put it away, one brings it back, wherever the registry and its files lie. */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parseBucketUrl } from '../../dist/buckets/bucket-url.js'
import { openBucket } from '../../dist/buckets/open-bucket.js'
import { addCorrection } from '../../dist/registry/corrections.js'
import { openStore, type StoreConfig } from '../../dist/store/store.js'
import { createSandbox } from '../cli/verger.ts'
import { describeBackup, describeBackupUnderLoad } from '../contract/backup-suite.ts'
import { createHome } from '../contract/homes.ts'
import { type ObjectServer, startGcs, startS3 } from '../support/object-servers.ts'
import { readPhoto } from '../support/photos.ts'
import { type Postgres, startPostgres } from '../support/postgres.ts'

const SAVED_MODEL = fileURLToPath(
  new URL('../fixtures/models/tensorflow/tf1-frozen', import.meta.url),
)
const WRITE_BUNDLE = fileURLToPath(new URL('../support/write-tiny-bundle.mjs', import.meta.url))

let postgres: Postgres
let s3: ObjectServer
let gcs: ObjectServer
beforeAll(async () => {
  ;[postgres, s3, gcs] = await Promise.all([startPostgres(), startS3(), startGcs()])
  for (const server of [s3, gcs]) {
    await server.createBucket('blobs')
    Object.assign(process.env, server.env())
  }
})
afterAll(async () => {
  await Promise.all([postgres?.remove(), s3?.stop(), gcs?.stop()])
})

let places = 0
const inBucket = (scheme: 's3' | 'gs') => async (): Promise<StoreConfig> => ({
  home: createHome(),
  databaseUrl: await postgres.createDatabase(),
  blobsUrl: `${scheme}://blobs/registry-${++places}`,
})

describeBackup('PostgreSQL and S3', inBucket('s3'), inBucket('s3'))
describeBackup('PostgreSQL and GCS to SQLite and a folder', inBucket('gs'), () => ({
  home: createHome(),
}))
describeBackupUnderLoad('PostgreSQL and S3', inBucket('s3'))
describeBackupUnderLoad('PostgreSQL and GCS', inBucket('gs'))

/** Everything below a prefix of a bucket. */
async function objectsBelow(url: string) {
  const { prefix, ...place } = parseBucketUrl(url)
  const bucket = await openBucket(place)
  const keys: string[] = []
  for await (const { key } of bucket.list(prefix)) keys.push(key)
  return { keys, remove: () => Promise.all(keys.map((key) => bucket.delete(key))) }
}

const tablesOf = (url: string) =>
  postgres.query(url, `select 1 from information_schema.tables where table_schema = 'public'`)

it.each([
  ['SQLite and a folder', undefined],
  ['PostgreSQL and S3', 's3://blobs/orchard'],
  ['PostgreSQL and GCS', 'gs://blobs/orchard'],
])('comes back after all is lost: %s', async (_words, blobsUrl) => {
  const sandbox = createSandbox()
  const home = join(sandbox.folder, 'home')
  const createDatabase = () => (blobsUrl === undefined ? undefined : postgres.createDatabase())
  let databaseUrl = await createDatabase()
  const verger = async (line: string) => {
    const { stdout, stderr, exit } = await sandbox.run(`verger ${line}`, {
      ...s3.env(),
      ...gcs.env(),
      ...(databaseUrl === undefined ? {} : { VERGER_DATABASE_URL: databaseUrl }),
      ...(blobsUrl === undefined ? {} : { VERGER_BLOBS_URL: blobsUrl }),
    })
    expect({ line, exit, stderr }).toMatchObject({ line, exit: 0 })
    return stdout
  }
  const readAll = async () => [
    await verger('versions list fruits --json'),
    await verger('versions list jean --json'),
    await verger('versions history fruits --json'),
    await verger('predict baseline.jpg --model fruits --json'),
    // It brings its own network along.
    await verger('predict baseline.jpg --model jean --json'),
  ]
  try {
    expect(
      await sandbox.run(`'${process.execPath}' --import tsx '${WRITE_BUNDLE}' "$SANDBOX/bundle"`),
    ).toMatchObject({ exit: 0 })
    await verger('models create fruits')
    await verger('models update fruits --keep-corrections')
    await verger('versions create fruits/v1 --from "$SANDBOX/bundle"')
    await verger(`versions create jean/v1 --from ${SAVED_MODEL}`)
    const photo = readPhoto('grey.jpg')
    const store = await openStore({ home, databaseUrl, blobsUrl })
    const said = { predicted: 'pear', score: 0.5 }
    await addCorrection(store, { model: 'fruits', version: 'v1', photo, label: 'plum', ...said })
    await store.close()
    const before = await readAll()
    await verger('backup --out "$SANDBOX/all.tar"')

    rmSync(home, { recursive: true })
    if (blobsUrl !== undefined) await (await objectsBelow(blobsUrl)).remove()
    databaseUrl = await createDatabase()
    await verger('restore --from "$SANDBOX/all.tar" --dry-run')
    // A trial leaves nothing behind.
    expect(existsSync(home)).toBe(false)
    if (databaseUrl !== undefined) expect(await tablesOf(databaseUrl)).toEqual([])
    if (blobsUrl !== undefined) expect((await objectsBelow(blobsUrl)).keys).toEqual([])

    await verger('restore --from "$SANDBOX/all.tar"')
    expect(await readAll()).toEqual(before)
    const restored = await openStore({ home, databaseUrl, blobsUrl })
    const [kept] = await restored.db.selectFrom('corrections').selectAll().execute()
    expect(Buffer.compare(await restored.blobs.get(kept?.photo_sha256 ?? ''), photo)).toBe(0)
    await restored.close()
  } finally {
    sandbox.remove()
  }
})
