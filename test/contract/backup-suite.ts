/** Backups: all of a registry as it was at one moment, put back into either database. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { readAudit, recordAudit } from '../../dist/registry/audit.js'
import { readRows, withSnapshot } from '../../dist/registry/backup/read-rows.js'
import { restoreBackup } from '../../dist/registry/backup/restore-backup.js'
import { writeBackup } from '../../dist/registry/backup/write-backup.js'
import { collectGarbage } from '../../dist/registry/collect-garbage.js'
import { addCorrection } from '../../dist/registry/corrections.js'
import type { Registry } from '../../dist/registry/registry.js'
import type { Store, StoreConfig } from '../../dist/store/store.js'
import { bundleFiles, createFolder, openHomeRegistry } from './homes.ts'

const REGISTER = fileURLToPath(new URL('./programs/register.mjs', import.meta.url))
const VERGER = fileURLToPath(new URL('../../bin/verger.js', import.meta.url))
/** More of them by hand: VERGER_KILLS=100. */
const KILLS = Math.ceil(Number(process.env['VERGER_KILLS'] ?? 15) / 4)

type CreatePlace = () => StoreConfig | Promise<StoreConfig>

/** Something in every table that a person fills. */
async function fill({ registry, store }: { registry: Registry; store: Store }): Promise<void> {
  await registry.createModel('fruits', {
    description: 'Äpfel "und" \\ Birnen 🍎\n',
    labels: { season: 'autumn' },
    annotations: { cloudml: { regions: ['us-central1'] } },
    keepCorrections: true,
    keepCorrectionsDays: 30,
  })
  for (const seed of [1, 2, 3]) {
    await registry.register({ model: 'fruits', files: bundleFiles(seed), who: 'anna' })
  }
  await registry.register({ model: 'vegetables', version: 'a', files: bundleFiles(1) })
  await registry.createModel('empty')
  await registry.setDefault('fruits', 'v2', { why: 'better', tookMs: 3.25 })
  await registry.setCanary('fruits', { version: 'v3', percent: 7 })
  await registry.setShadow('fruits', 'v1')
  await registry.deleteVersion('vegetables', 'a')
  await addCorrection(store, {
    ...{ model: 'fruits', version: 'v1', photo: Buffer.from('a photo') },
    ...{ label: 'quince', predicted: 'pear', score: 0.1 + 0.2 },
  })
  const times = { created_at: '2026-01-02T03:04:05.678Z' }
  const token = { id: 't1', name: 'ci', hash: 'x', scopes: '["read"]', created_by: 'anna' }
  const never = { models: null, expires_at: null, revoked_at: null, last_used_at: null }
  await store.db
    .insertInto('tokens')
    .values({ ...token, ...times, ...never })
    .execute()
}

async function rowsOf(store: Store): Promise<unknown[]> {
  const rows: unknown[] = []
  await withSnapshot(store, async (db) => {
    for await (const row of readRows(db)) if (row.table !== 'audit') rows.push(row)
  })
  return rows
}

async function readEverything(registry: Registry): Promise<number> {
  let versions = 0
  for (const { name } of await registry.listModels()) {
    for (const version of await registry.listVersions(name)) {
      versions++
      for (const file of Object.keys(version.files)) await registry.readVersionFile(version, file)
    }
  }
  return versions
}

const environmentOf = ({ home, databaseUrl, blobsUrl }: StoreConfig) => ({
  ...process.env,
  VERGER_HOME: home,
  ...(databaseUrl === undefined ? {} : { VERGER_DATABASE_URL: databaseUrl }),
  ...(blobsUrl === undefined ? {} : { VERGER_BLOBS_URL: blobsUrl }),
})

/** Each gives settings under which there is no registry yet. */
export function describeBackup(name: string, createSource: CreatePlace, createTarget: CreatePlace) {
  describe(`backup: ${name}`, () => {
    it.each(['all.tar', 'all'])('as %s brings back all that was lost', async (file) => {
      const source = await openHomeRegistry(await createSource())
      await fill(source)
      const before = await rowsOf(source.store)
      const out = join(createFolder(), file)
      const progress: number[] = []
      const manifest = await writeBackup(source.store, {
        out,
        onProgress: (done, total) => progress.push(done / total),
      })
      expect(manifest.rows).toMatchObject({ models: 3, versions: 3, corrections: 1, tokens: 1 })
      expect(manifest.blobs.count).toBe(7)
      expect(progress.at(-1)).toBe(1)
      // Photos of people and hashes of tokens: for the owner alone.
      expect(statSync(out).mode & 0o077).toBe(0)
      await source.store.close()

      const target = await openHomeRegistry(await createTarget())
      await restoreBackup(target.store, { from: out, dryRun: true })
      expect(await target.registry.listModels()).toEqual([])
      expect(await restoreBackup(target.store, { from: out })).toEqual(manifest)
      expect(await rowsOf(target.store)).toEqual(before)
      expect(await readEverything(target.registry)).toBe(3)

      // And life goes on.
      const { registry } = target
      expect(await registry.register({ model: 'fruits', files: bundleFiles(9) })).toMatchObject({
        name: 'v4',
      })
      expect(await registry.setDefault('fruits', 'v4')).toMatchObject({ from: 'v2' })
      expect(await registry.rollback('fruits')).toMatchObject({ to: 'v2' })
    })

    it('misses a blob that is gone, though this machine has read it before', async () => {
      const source = await openHomeRegistry(await createSource())
      await fill(source)
      await readEverything(source.registry)
      const { files } = await source.registry.resolveVersion('fruits')
      const sha256 = files['head.bin'] ?? ''
      await source.store.blobs.delete(sha256)
      const out = join(createFolder(), 'all.tar')
      await expect(writeBackup(source.store, { out })).rejects.toMatchObject({
        code: 'blob_missing',
        details: { sha256 },
      })
      expect(existsSync(out)).toBe(false)
    })

    it('is refused by a registry that holds something, unless it is to be replaced', async () => {
      const source = await openHomeRegistry(await createSource())
      await fill(source)
      await recordAudit(source.store.db, {
        who: 'ben',
        action: 'looked',
        target: '',
        outcome: 'ok',
      })
      const out = join(createFolder(), 'all.tar')
      await writeBackup(source.store, { out })
      const target = await openHomeRegistry(await createTarget())
      await target.registry.register({ model: 'mine', files: bundleFiles(5) })
      await target.registry.register({ model: 'mine', files: bundleFiles(6), setDefault: true })
      await expect(restoreBackup(target.store, { from: out })).rejects.toMatchObject({
        code: 'registry_not_empty',
        hint: expect.stringContaining('--replace'),
      })
      expect(await readEverything(target.registry)).toBe(2)
      const before = target.store.changes.revision()
      const looked = { action: 'looked', target: '', outcome: 'ok' } as const
      await recordAudit(target.store.db, { ...looked, who: 'anna' })
      await restoreBackup(target.store, { from: out, replace: true })
      expect(target.store.changes.revision()).not.toBe(before)
      expect(await rowsOf(target.store)).toEqual(await rowsOf(source.store))
      // What was done to it before stands in the audit log as before.
      await restoreBackup(target.store, { from: out, replace: true, who: 'otto' })
      const audit = await readAudit(target.store, { limit: 10 })
      expect(audit.map(({ who, action }) => [who, action])).toEqual([
        ['otto', 'registry.restore'],
        [expect.any(String), 'registry.restore'],
        ['ben', 'looked'],
        ['anna', 'looked'],
      ])
    })
  })
}

/** Others write meanwhile, and processes are killed. */
export function describeBackupUnderLoad(name: string, createPlace: CreatePlace) {
  describe(`backup under load: ${name}`, () => {
    it('takes one moment of a registry into which others write and from which they delete', async () => {
      const place = await createPlace()
      const source = await openHomeRegistry(place)
      const writing = spawn(process.execPath, [REGISTER, place.home, 'fruits', '0', '60'], {
        stdio: 'ignore',
        env: environmentOf(place),
      })
      const ended = once(writing, 'close')
      try {
        const folder = createFolder()
        await expect
          .poll(() => source.registry.listModels(), { timeout: 10_000 })
          .not.toHaveLength(0)
        for (let index = 0; index < 2; index++) {
          const out = join(folder, `${index}.tar`)
          const before = await readEverything(source.registry)
          const deleting = (async () => {
            const { defaultVersion } = await source.registry.getModel('fruits')
            for (const version of (await source.registry.listVersions('fruits')).slice(3, 6)) {
              if (version.name === defaultVersion) continue
              await source.registry.deleteVersion('fruits', version.name).catch(() => {})
            }
            await collectGarbage(source.store, { graceMs: 0 })
          })()
          const { rows } = await writeBackup(source.store, { out })
          await deleting
          const target = await openHomeRegistry(await createPlace())
          await restoreBackup(target.store, { from: out })
          expect(await readEverything(target.registry)).toBe(rows['versions'])
          expect(rows['versions']).toBeGreaterThanOrEqual(before - 3)
          const history = (await target.registry.readHistory('fruits')).reverse()
          for (const [place, change] of history.entries()) {
            expect(change.from).toBe(history[place - 1]?.to)
          }
          await target.store.close()
        }
      } finally {
        writing.kill('SIGKILL')
        await ended
      }
    }, 120_000)

    it(
      `that is killed at ${KILLS} random moments leaves nothing of its name, nor does a killed restore`,
      async () => {
        const place = await createPlace()
        const source = await openHomeRegistry(place)
        for (let seed = 0; seed < 30; seed++) {
          await source.registry.register({ model: 'fruits', files: bundleFiles(seed) })
        }
        await source.store.close()
        const folder = createFolder()
        const run = async (config: StoreConfig, args: string[], lifeMs?: number) => {
          const child = spawn(process.execPath, [VERGER, ...args], {
            stdio: 'ignore',
            env: environmentOf(config),
          })
          const ended = once(child, 'close')
          if (lifeMs !== undefined) setTimeout(() => child.kill('SIGKILL'), lifeMs)
          const [code] = await ended
          return code
        }
        const whole = join(folder, 'whole.tar')
        const startMs = performance.now()
        expect(await run(place, ['backup', '--out', whole])).toBe(0)
        const fullMs = performance.now() - startMs
        for (let kill = 0; kill < KILLS; kill++) {
          const lifeMs = fullMs * (0.4 + Math.random() * 0.6)
          const out = join(folder, kill % 2 === 0 ? `${kill}.tar` : `${kill}`)
          await run(place, ['backup', '--out', out], lifeMs)
          const target = await createPlace()
          if (existsSync(out)) {
            const { store } = await openHomeRegistry(target)
            const { rows } = await restoreBackup(store, { from: out, dryRun: true })
            expect(rows['versions']).toBe(30)
            await store.close()
          }
          await run(target, ['restore', '--from', whole], lifeMs)
          const { registry } = await openHomeRegistry(target)
          expect([0, 30]).toContain(await readEverything(registry))
        }
      },
      60_000 + KILLS * 6000,
    )
  })
}

/** What is wrong with a backup is found before anything is restored. */
export function describeDamagedBackup(createPlace: CreatePlace) {
  const someBlob = (folder: string) => {
    const [prefix = ''] = readdirSync(join(folder, 'blobs'))
    const [rest = ''] = readdirSync(join(folder, 'blobs', prefix))
    return join(folder, 'blobs', prefix, rest)
  }
  const rewrite = (path: string, change: (text: string) => string) =>
    writeFileSync(path, change(readFileSync(path, 'utf8')))
  const damages: readonly [string, string, (folder: string) => void][] = [
    ['a changed file', 'backup_invalid', (folder) => appendFileSync(someBlob(folder), 'x')],
    ['a missing file', 'backup_invalid', (folder) => rmSync(someBlob(folder))],
    [
      'a changed row',
      'backup_invalid',
      (folder) => rewrite(join(folder, 'registry.ndjson'), (text) => text.replace('anna', 'otto')),
    ],
    ['no rows', 'backup_invalid', (folder) => rmSync(join(folder, 'registry.ndjson'))],
    ['no end', 'backup_invalid', (folder) => rmSync(join(folder, 'backup.json'))],
    [
      'an end that is no JSON',
      'backup_invalid',
      (folder) => truncateSync(join(folder, 'backup.json'), 20),
    ],
    [
      'an end that is another',
      'backup_invalid',
      (folder) => writeFileSync(join(folder, 'backup.json'), '{"format":"bundle"}'),
    ],
    [
      'null for an end',
      'backup_invalid',
      (folder) => writeFileSync(join(folder, 'backup.json'), 'null'),
    ],
    [
      'a later form',
      'registry_newer',
      (folder) =>
        rewrite(join(folder, 'backup.json'), (text) => text.replace('"format": 1', '"format": 2')),
    ],
  ]

  describe('a damaged backup', () => {
    it.each(damages)('is refused: %s', async (_words, code, damage) => {
      const source = await openHomeRegistry(await createPlace())
      await fill(source)
      const out = join(createFolder(), 'all')
      await writeBackup(source.store, { out })
      damage(out)
      const target = await openHomeRegistry(await createPlace())
      for (const dryRun of [true, false]) {
        await expect(restoreBackup(target.store, { from: out, dryRun })).rejects.toMatchObject({
          code,
          message: expect.stringContaining(out),
        })
      }
      expect(await target.registry.listModels()).toEqual([])
    })

    it('is refused as a tar that was cut anywhere, or changed', async () => {
      const source = await openHomeRegistry(await createPlace())
      await fill(source)
      const folder = createFolder()
      const out = join(folder, 'all.tar')
      await writeBackup(source.store, { out })
      const target = await openHomeRegistry(await createPlace())
      const { size } = statSync(out)
      // Without its last block of zeros it is still all there.
      for (const length of [0, 100, 512, 1000, size / 2, size - 2000]) {
        const cut = join(folder, 'cut.tar')
        cpSync(out, cut)
        truncateSync(cut, Math.floor(length))
        await expect(restoreBackup(target.store, { from: cut })).rejects.toMatchObject({
          code: 'backup_invalid',
        })
      }
      const changed = readFileSync(out)
      for (let index = 0; index < 20; index++) {
        const at = Math.floor(Math.random() * (size - 1024))
        const before = changed.readUInt8(at)
        changed[at] = before ^ 1
        const path = join(folder, 'changed.tar')
        writeFileSync(path, changed)
        changed[at] = before
        const outcome = await restoreBackup(target.store, { from: path, dryRun: true }).then(
          () => 'whole',
          (error: { code?: string }) => error.code,
        )
        // A byte between two files belongs to nothing, nor does the space behind the checksum of a file's header.
        const isPadding = before === 0 || (before === 0x20 && at % 512 === 154)
        if (!isPadding) expect(['backup_invalid', 'registry_newer']).toContain(outcome)
      }
      expect(await target.registry.listModels()).toEqual([])
    })

    it('is no backup at all', async () => {
      const { store } = await openHomeRegistry(await createPlace())
      const folder = createFolder()
      mkdirSync(join(folder, 'empty'))
      writeFileSync(join(folder, 'text.tar'), 'a text')
      for (const name of ['nowhere', 'empty', 'text.tar']) {
        await expect(restoreBackup(store, { from: join(folder, name) })).rejects.toMatchObject({
          code: 'backup_invalid',
        })
      }
    })

    it('is not written over something, nor with a file that is damaged or missing', async () => {
      const source = await openHomeRegistry(await createPlace())
      await fill(source)
      const folder = createFolder()
      for (const name of ['there', 'there.tar']) {
        writeFileSync(join(folder, name), 'mine')
        await expect(writeBackup(source.store, { out: join(folder, name) })).rejects.toMatchObject({
          code: 'backup_exists',
        })
        expect(readFileSync(join(folder, name), 'utf8')).toBe('mine')
      }
      const { files } = await source.registry.resolveVersion('fruits')
      const hash = files['head.bin'] ?? ''
      const path = join(source.store.location, '../blobs', hash.slice(0, 2), hash.slice(2))
      writeFileSync(path, 'another')
      for (const [name, code] of [
        ['a', 'blob_damaged'],
        ['b.tar', 'blob_missing'],
      ] as const) {
        await expect(writeBackup(source.store, { out: join(folder, name) })).rejects.toMatchObject({
          code,
        })
        rmSync(path, { force: true })
      }
      expect(readdirSync(folder).sort()).toEqual(['there', 'there.tar'])
    })
  })
}
