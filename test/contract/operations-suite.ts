/** What outlives a request: operations with their runners, and uploaded files. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { sha256 } from '../../dist/core/hashes.js'
import type { NewOperation } from '../../dist/registry/operation.js'
import {
  beat,
  endOperation,
  leaveOperation,
  takeAbandoned,
} from '../../dist/registry/operation-runs.js'
import {
  addOperation,
  forgetFailures,
  getOperation,
  listOperations,
  recordOperation,
  removeOperations,
  requestCancel,
} from '../../dist/registry/operations.js'
import { createRegistry } from '../../dist/registry/registry.js'
import {
  addPart,
  addUpload,
  deleteStaged,
  getStaged,
  getUpload,
  listStaged,
  listStagedBuckets,
  putStaged,
  removeExpiredStaged,
} from '../../dist/registry/staged-objects.js'
import {
  type OperationRunner,
  openOperationRunner,
  type Work,
} from '../../dist/server/operation-runner.js'
import type { Store } from '../../dist/store/store.js'
import { createFolder } from './homes.ts'

const CREATE: NewOperation = {
  kind: 'create_version',
  model: 'fruits',
  version: 'v1',
  input: { from: 'gs://b/m' },
}
const FAILED = {
  state: 'failed',
  error: { code: 'model_invalid', message: 'no' },
  lines: [],
} as const
/** Later than anything that was just written. */
const soon = () => new Date(Date.now() + 1000)
const quiet = { info: () => {}, warn: () => {}, error: () => {} }

export function describeOperations(name: string, open: () => Promise<Store>): void {
  describe(`operations: ${name}`, () => {
    it('are kept before they begin, the newest first', async () => {
      const store = await open()
      const operation = await addOperation(store, CREATE, 'me')
      expect(operation).toMatchObject({
        id: expect.stringMatching(/^create_fruits_v1-\d{13}$/),
        state: 'running',
        input: { from: 'gs://b/m' },
        attempts: 1,
        isCancelRequested: false,
      })
      expect(await getOperation(store, operation.id)).toEqual(operation)
      const update = {
        kind: 'update_model',
        model: 'pears',
        version: undefined,
        input: {},
      } as const
      const { id } = await recordOperation(store, update)
      expect((await listOperations(store)).map((each) => each.id)).toEqual([id, operation.id])
      expect(await listOperations(store, 'fruits')).toHaveLength(1)
      await expect(getOperation(store, 'x')).rejects.toMatchObject({ code: 'operation_unknown' })
    })

    it('are one at a time for a version, and alone for a model', async () => {
      const store = await open()
      await addOperation(store, CREATE, 'me')
      for (const other of [CREATE, { ...CREATE, kind: 'delete_model', version: undefined }]) {
        await expect(addOperation(store, other as NewOperation, 'me')).rejects.toMatchObject({
          code: 'operation_running',
        })
      }
      await addOperation(store, { ...CREATE, version: 'v2' }, 'me')
      const tries = await Promise.allSettled(
        Array.from({ length: 4 }, () => addOperation(store, { ...CREATE, version: 'v3' }, 'me')),
      )
      expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    })

    it('are taken over by one runner only, and only once their runner is silent', async () => {
      const store = await open()
      const operation = await addOperation(store, CREATE, 'first')
      expect(await takeAbandoned(store, 'second', new Date(Date.now() - 10_000))).toEqual([])
      const taken = await Promise.all(
        ['second', 'third'].map((runner) => takeAbandoned(store, runner, soon())),
      )
      const [mine, ...others] = taken.flat()
      // The later of the two may have taken it from the other.
      expect(others.length).toBeLessThan(2)
      expect(mine).toMatchObject({ id: operation.id, attempts: 2 })
      expect(await beat(store, operation, 'first', { lines: [] })).toBeUndefined()
      await endOperation(store, operation, 'first', { state: 'done', lines: [] })
      expect((await getOperation(store, operation.id)).state).toBe('running')
    })

    it('are left at once by a server that closes', async () => {
      const store = await open()
      const operation = await addOperation(store, CREATE, 'first')
      await leaveOperation(store, operation, 'first')
      const longAgo = new Date(0)
      expect(await takeAbandoned(store, 'second', longAgo)).toMatchObject([{ id: operation.id }])
    })

    it('hear that they are to end, and tell how they ended', async () => {
      const store = await open()
      const operation = await addOperation(store, CREATE, 'me')
      const line = { at: new Date().toISOString(), severity: 'INFO', message: 'half' } as const
      expect(await beat(store, operation, 'me', { lines: [line] })).toEqual({
        isCancelRequested: false,
      })
      await requestCancel(store, operation.id)
      expect(await beat(store, operation, 'me', { lines: [line] })).toEqual({
        isCancelRequested: true,
      })
      await endOperation(store, operation, 'me', FAILED)
      expect(await getOperation(store, operation.id)).toMatchObject({
        state: 'failed',
        error: FAILED.error,
        endedAt: expect.any(String),
      })
      expect(await forgetFailures(store, 'fruits', 'v2')).toBe(false)
      expect(await forgetFailures(store, 'fruits', 'v1')).toBe(true)
      expect(await listOperations(store)).toEqual([])
    })

    it('are removed some time after they ended', async () => {
      const store = await open()
      await recordOperation(store, CREATE)
      await addOperation(store, { ...CREATE, version: 'v2' }, 'me')
      await removeOperations(store, new Date(0))
      expect(await listOperations(store)).toHaveLength(2)
      await removeOperations(store, soon())
      expect(await listOperations(store)).toMatchObject([{ version: 'v2' }])
    })
  })

  describe(`runner of operations: ${name}`, () => {
    const runners: OperationRunner[] = []
    afterEach(async () => {
      for (const runner of runners.splice(0)) await runner.close()
    })
    function openRunner(store: Store, work: Work): OperationRunner {
      const home = { find: async () => ({ store }) as never }
      const times = { beatMs: 20, leaseMs: 150 }
      const runner = openOperationRunner({ home, work, logger: quiet, ...times })
      runner.follow()
      runners.push(runner)
      return runner
    }
    const untilEnded = async (store: Store, id: string) => {
      for (;;) {
        const operation = await getOperation(store, id)
        if (operation.state !== 'running') return operation
        await sleep(20)
      }
    }
    /** Work that ends only when it is told to. */
    const forever: Work = (_operation, { signal }) =>
      new Promise((_resolve, reject) => {
        if (signal.aborted) reject(signal.reason)
        signal.addEventListener('abort', () => reject(signal.reason))
      })

    it('keeps what work tells, and why it fails', async () => {
      const store = await open()
      const runner = openRunner(store, async ({ version }, { say }) => {
        say('working')
        if (version === 'v2') throw new Error('a bug')
      })
      const { id } = await runner.start(store, CREATE)
      await runner.wait(id, 5000)
      expect(await getOperation(store, id)).toMatchObject({
        state: 'done',
        lines: [{ severity: 'INFO', message: 'working' }],
      })
      const bad = await runner.start(store, { ...CREATE, version: 'v2' })
      await runner.wait(bad.id, 5000)
      expect(await getOperation(store, bad.id)).toMatchObject({
        state: 'failed',
        error: { code: 'internal', message: expect.stringContaining('a bug') },
        lines: [{}, { severity: 'ERROR' }],
      })
    })

    it('ends what is cancelled', async () => {
      const store = await open()
      const runner = openRunner(store, forever)
      const { id } = await runner.start(store, CREATE)
      await requestCancel(store, id)
      expect(await untilEnded(store, id)).toMatchObject({ state: 'cancelled' })
    })

    it('takes over from one that was closed in the middle', async () => {
      const store = await open()
      const first = openRunner(store, forever)
      const { id } = await first.start(store, CREATE)
      await first.close()
      expect((await getOperation(store, id)).state).toBe('running')
      await expect(first.start(store, CREATE)).rejects.toMatchObject({ code: 'server_closing' })
      openRunner(store, async () => {})
      expect(await untilEnded(store, id)).toMatchObject({
        state: 'done',
        attempts: 2,
        lines: [{ severity: 'WARNING', message: expect.stringContaining('begun again') }],
      })
    })

    it('gives up on an operation that ends its servers', async () => {
      const store = await open()
      const { id } = await addOperation(store, CREATE, 'gone')
      for (const runner of ['a', 'b']) await takeAbandoned(store, runner, soon())
      let begun = 0
      openRunner(store, async () => {
        begun++
      })
      expect(await untilEnded(store, id)).toMatchObject({
        state: 'failed',
        error: { code: 'operation_abandoned', message: expect.stringContaining('3 ended') },
      })
      expect(begun).toBe(0)
    })

    it('keeps its lease while it works', async () => {
      const store = await open()
      let begun = 0
      const slow: Work = async () => {
        begun++
        await sleep(600)
      }
      const first = openRunner(store, slow)
      openRunner(store, slow)
      const { id } = await first.start(store, CREATE)
      expect(await untilEnded(store, id)).toMatchObject({ state: 'done', attempts: 1 })
      expect(begun).toBe(1)
    })
  })

  describe(`uploaded files: ${name}`, () => {
    function fileOf(text: string) {
      const path = join(createFolder(), 'file')
      writeFileSync(path, text)
      return { path, sha256: sha256(Buffer.from(text)), md5: 'x', sizeBytes: text.length }
    }
    const target = { bucket: 'b', name: 'm/v1/file', contentType: 'a/b' }

    it('are found by their names, the newest of a name', async () => {
      const store = await open()
      await putStaged(store, target, fileOf('old'))
      const object = await putStaged(store, target, fileOf('newer'))
      expect(await getStaged(store, 'b', 'm/v1/file')).toEqual(object)
      expect(object).toMatchObject({ sizeBytes: 5, contentType: 'a/b' })
      await putStaged(store, { ...target, name: 'm/v10/file' }, fileOf('other'))
      expect((await listStaged(store, 'b', 'm/v1/')).map((each) => each.name)).toEqual([
        'm/v1/file',
      ])
      expect(await listStagedBuckets(store)).toEqual(['b'])
      await deleteStaged(store, 'b', 'm/v1/file')
      await expect(getStaged(store, 'b', 'm/v1/file')).rejects.toMatchObject({
        code: 'staged_unknown',
      })
    })

    it('take one part at a time', async () => {
      const store = await open()
      const upload = await addUpload(store, target)
      const grown = await addPart(store, upload, fileOf('part'))
      expect(await getUpload(store, upload.id)).toEqual(grown)
      // Stands on what was there before the other part came.
      await expect(addPart(store, upload, fileOf('again'))).rejects.toMatchObject({
        code: 'staged_unknown',
      })
      expect(grown.parts).toMatchObject([{ sizeBytes: 4 }])
    })

    it('are kept from the garbage collection for a week', async () => {
      const store = await open()
      const { sha256: whole } = await putStaged(store, target, fileOf('whole'))
      const part = fileOf('part')
      const upload = await addUpload(store, target)
      await addPart(store, upload, part)
      const referenced = () => createRegistry(store).referencedBlobs()
      expect(await referenced()).toEqual(new Set([whole, part.sha256]))
      const old = { put_at: new Date(Date.now() - 8 * 24 * 60 * 60 * 1000).toISOString() }
      await store.db.updateTable('staged_objects').set(old).execute()
      await store.db.updateTable('staged_uploads').set(old).execute()
      expect(await referenced()).toEqual(new Set())
      await expect(getStaged(store, 'b', 'm/v1/file')).rejects.toMatchObject({
        code: 'staged_unknown',
      })
      await removeExpiredStaged(store)
      await expect(getUpload(store, upload.id)).rejects.toMatchObject({ code: 'staged_unknown' })
    })
  })
}
