/** Garbage is collected, and nothing else, whoever writes meanwhile. Each database passes it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { sha256 } from '../../dist/core/hashes.js'
import { collectGarbage } from '../../dist/registry/collect-garbage.js'
import { addCorrection, listCorrections } from '../../dist/registry/corrections.js'
import {
  addPart,
  addUpload,
  deleteStaged,
  getStaged,
  type LocalFile,
  putStaged,
  removeUpload,
} from '../../dist/registry/staged-objects.js'
import { withBlobsAlone, writeReferring } from '../../dist/store/blob-lock.js'
import type { StoreConfig } from '../../dist/store/store.js'
import { bundleFiles, createFolder, openHomeRegistry } from './homes.ts'

const CHURN = fileURLToPath(new URL('./programs/churn.mjs', import.meta.url))
/** How long processes register while garbage is collected; by hand for longer. */
const SECONDS = Number(process.env['VERGER_GARBAGE_SECONDS'] ?? 4)

/** Uploads of each of two clients that come and go while garbage is collected. */
const STAGED = 20

/** `createPlace` gives settings under which there is no registry yet. */
export function describeGarbage(
  name: string,
  createPlace: () => StoreConfig | Promise<StoreConfig>,
): void {
  describe(`garbage: ${name}`, () => {
    it('is what nothing refers to, once it is an hour old', async () => {
      const { registry, store } = await openHomeRegistry(await createPlace())
      const kept = await registry.register({ model: 'fruits', files: bundleFiles(1) })
      await registry.register({ model: 'fruits', files: bundleFiles(2) })
      await registry.deleteVersion('fruits', 'v2')
      const found = { removed: { count: 0, sizeBytes: 0 }, young: { count: 2 }, kept: { count: 2 } }
      expect(await collectGarbage(store)).toMatchObject(found)
      const old = { count: 2, sizeBytes: 20_023 }
      expect(await collectGarbage(store, { dryRun: true, graceMs: 0 })).toMatchObject({
        removed: old,
        young: { count: 0 },
      })
      expect(await collectGarbage(store, { graceMs: 0 })).toMatchObject({ removed: old })
      expect(await collectGarbage(store, { graceMs: 0 })).toMatchObject({
        removed: { count: 0 },
        kept: { count: 2 },
      })
      for (const file of Object.keys(kept.files)) await registry.readVersionFile(kept, file)
    })

    it('are corrected photos whose time is over', async () => {
      const { registry, store } = await openHomeRegistry(await createPlace())
      for (const model of ['fruits', 'vegetables']) {
        await registry.createModel(model, { keepCorrections: true })
        await registry.register({ model, files: bundleFiles(1) })
        for (const days of [1, 8, 90]) {
          const photo = Buffer.from(`${model}, ${days} days ago`)
          await addCorrection(store, {
            ...{ model, version: 'v1', photo, label: 'quince', predicted: 'pear', score: 0.7 },
          })
          const created_at = new Date(Date.now() - days * 24 * 60 * 60 * 1000).toISOString()
          await store.db
            .updateTable('corrections')
            .set({ created_at })
            .where('photo_sha256', '=', sha256(photo))
            .execute()
        }
      }
      await registry.updateModel('fruits', { keepCorrectionsDays: 7 })
      expect(await collectGarbage(store, { dryRun: true })).toMatchObject({
        expired: { fruits: 2 },
      })
      expect(await listCorrections(store, 'fruits')).toHaveLength(3)
      expect(await collectGarbage(store, { graceMs: 0 })).toMatchObject({
        expired: { fruits: 2 },
        removed: { count: 2 },
      })
      const [left] = await listCorrections(store, 'fruits')
      expect(await store.blobs.has(left?.photoSha256 ?? '')).toBe(true)
      expect(await store.blobs.has(sha256(Buffer.from('fruits, 8 days ago')))).toBe(false)
      expect(await listCorrections(store, 'vegetables')).toHaveLength(3)
      expect((await collectGarbage(store)).expired).toEqual({})
    })

    it('is put again where it was removed before anything referred to it', async () => {
      const { store } = await openHomeRegistry(await createPlace())
      const bytes = Buffer.from('a manifest')
      let puts = 0
      const put = async () => {
        const hash = await store.blobs.put(bytes)
        // As if a collection had come between.
        if (++puts < 2) await store.blobs.delete(hash)
        return [hash]
      }
      await writeReferring(store, put, async () => {})
      expect(puts).toBe(2)
      expect(await store.blobs.has(sha256(bytes))).toBe(true)
      await expect(
        writeReferring(
          store,
          async () => ['0'.repeat(64)],
          async () => {},
        ),
      ).rejects.toMatchObject({ code: 'blob_missing' })
    })

    it('and references take turns', async () => {
      const place = await createPlace()
      const { store } = await openHomeRegistry(place)
      const { store: other } = await openHomeRegistry(place)
      const order: string[] = []
      let release = () => {}
      const released = new Promise<void>((resolve) => {
        release = resolve
      })
      const alone = withBlobsAlone(store, async () => {
        order.push('collecting')
        await released
        order.push('collected')
      })
      await expect.poll(() => order.length).toBe(1)
      // SQLite waits in the thread itself, so the other one must be let go by a timer of its own process.
      if (store.dialect === 'sqlite') release()
      const referring = writeReferring(
        other,
        async () => [],
        async () => {
          order.push('referred')
        },
      )
      setTimeout(release, 200)
      await Promise.all([alone, referring])
      expect(order).toEqual(['collecting', 'collected', 'referred'])
    })

    it('is never what was uploaded and waits for its version', async () => {
      const { store } = await openHomeRegistry(await createPlace())
      const folder = createFolder()
      // Few enough that each comes and goes, and is put again while it is about to be removed.
      const files = ['a', 'b', 'c', 'd'].map((name): LocalFile => {
        const bytes = Buffer.alloc(5000, name)
        const path = join(folder, name)
        writeFileSync(path, bytes)
        return { path, sha256: sha256(bytes), md5: '', sizeBytes: bytes.length }
      })
      const [first, ...others] = files
      if (first === undefined) throw new Error('Expected a file')
      const target = { bucket: 'staging', contentType: 'text/plain' }
      let isOver = false
      let removed = 0
      const collecting = (async () => {
        while (!isOver) {
          removed += (await collectGarbage(store, { graceMs: 0 })).removed.count
          await new Promise((resolve) => setImmediate(resolve))
        }
      })()
      const stage = async (name: string) => {
        for (let round = 0; round < STAGED; round++) {
          let upload = await addUpload(store, { ...target, name: `${name} in parts` })
          for (const file of others) upload = await addPart(store, upload, file)
          for (const { sha256: part } of upload.parts) await store.blobs.get(part)
          const whole = await putStaged(store, { ...target, name }, files[round % 4] ?? first)
          await removeUpload(store, upload.id)
          const { sha256: staged } = await getStaged(store, 'staging', name)
          expect(staged).toBe(whole.sha256)
          await store.blobs.get(staged)
          await deleteStaged(store, 'staging', name)
        }
      }
      try {
        await Promise.all(['one', 'two'].map(stage))
      } finally {
        isOver = true
        await collecting
      }
      expect(removed).toBeGreaterThan(0)
    })

    it(
      `is never what is in use, while 3 processes register for ${SECONDS} s`,
      async () => {
        const place = await createPlace()
        const { registry, store } = await openHomeRegistry(place)
        const churning = [1, 2, 3].map((index) => churn(place, `m${index}`))
        let isOver = false
        const ended = Promise.all(churning).finally(() => {
          isOver = true
        })
        let collections = 0
        let removed = 0
        while (!isOver) {
          removed += (await collectGarbage(store, { graceMs: 0 })).removed.count
          collections++
          // Others of this process get their turn.
          await new Promise((resolve) => setImmediate(resolve))
        }
        for (const { rounds, failures } of await ended) {
          expect(failures).toEqual([])
          expect(rounds).toBeGreaterThan(5)
        }
        expect(collections).toBeGreaterThan(5)
        expect(removed).toBeGreaterThan(0)
        for (const model of await registry.listModels()) {
          for (const version of await registry.listVersions(model.name)) {
            for (const file of Object.keys(version.files)) {
              await registry.readVersionFile(version, file)
            }
          }
        }
      },
      60_000 + SECONDS * 1000,
    )
  })
}

async function churn(
  { home, databaseUrl }: StoreConfig,
  model: string,
): Promise<{ readonly rounds: number; readonly failures: readonly string[] }> {
  const child = spawn(process.execPath, [CHURN, home, model, String(SECONDS)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      ...(databaseUrl === undefined ? {} : { VERGER_DATABASE_URL: databaseUrl }),
    },
  })
  const [out] = await Promise.all([text(child.stdout), once(child, 'close')])
  return JSON.parse(out)
}
