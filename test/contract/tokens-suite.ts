/** The promises of tokens and of the audit log, whatever database keeps them. */
import { describe, expect, it } from 'vitest'
import { readAudit, recordAudit } from '../../dist/registry/audit.js'
import { auditedRegistry, auditedStore } from '../../dist/registry/audited-registry.js'
import { createRegistry } from '../../dist/registry/registry.js'
import {
  createToken,
  listTokens,
  readKnownTokens,
  recordUse,
  revokeToken,
} from '../../dist/registry/tokens.js'
import type { Store } from '../../dist/store/store.js'
import { bundleFiles } from './homes.ts'

const PREDICT = { scopes: ['predict'] }

/** Holds what `open` gives, a store without tokens, to the promises of tokens and of the audit log. */
export function describeTokens(name: string, open: () => Promise<Store>): void {
  describe(`tokens: ${name}`, () => {
    it('are told once, and kept as a hash', async () => {
      const store = await open()
      const { token, ...shown } = await createToken(store, { name: 'scales', ...PREDICT }, 'ana')
      expect(token).toMatch(/^vgr_[0-9a-f]{72}$/)
      expect(shown).toEqual({
        name: 'scales',
        scopes: ['predict'],
        state: 'active',
        createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
        createdBy: 'ana',
      })
      expect(await listTokens(store)).toEqual([shown])
      const rows = JSON.stringify(await store.db.selectFrom('tokens').selectAll().execute())
      expect(rows).not.toContain(token)
      expect(rows).not.toContain(token.slice(4, 68))
    })

    it('are never the same', async () => {
      const store = await open()
      const tokens = new Set<string>()
      for (let count = 0; count < 20; count++) {
        tokens.add((await createToken(store, { name: `t${count}`, ...PREDICT }, 'ana')).token)
      }
      expect(tokens.size).toBe(20)
    })

    it('move the revision when they are made and revoked, and not when they are used', async () => {
      const store = await open()
      const revisions = [store.changes.revision()]
      await createToken(store, { name: 'scales', ...PREDICT }, 'ana')
      revisions.push(store.changes.revision())
      await revokeToken(store, 'scales')
      revisions.push(store.changes.revision())
      expect(new Set(revisions).size).toBe(3)
    })

    it('name what they allow in one order, and each model once', async () => {
      const store = await open()
      await createRegistry(store).createModel('fruits')
      const scopes = ['manage', 'predict', 'manage']
      const models = ['fruits', 'fruits']
      expect(await createToken(store, { name: 'a', scopes, models }, 'ana')).toMatchObject({
        scopes: ['predict', 'manage'],
        models: ['fruits'],
      })
      expect(await readKnownTokens(store)).toMatchObject([
        { name: 'a', scopes: ['predict', 'manage'], models: ['fruits'], isRevoked: false },
      ])
    })

    it.each([
      ['no scope', { name: 'a', scopes: [] }, 'token_invalid', /predict, read, manage.* none/],
      [
        'another scope',
        { name: 'a', scopes: ['read', 'admin'] },
        'token_invalid',
        /received admin/,
      ],
      ['no name', { name: '', ...PREDICT }, 'name_invalid', /received ""/],
      ['a path as its name', { name: '../a', ...PREDICT }, 'name_invalid', /name of a token/],
      ['the name of a setting', { name: 'VERGER_TOKEN', ...PREDICT }, 'token_exists', /new name/],
      [
        'a time in the past',
        { name: 'a', ...PREDICT, expiresAt: '2020-01-01' },
        'token_invalid',
        /future/,
      ],
      ['no time', { name: 'a', ...PREDICT, expiresAt: 'soon' }, 'token_invalid', /"soon"/],
      ['no model', { name: 'a', ...PREDICT, models: ['fruit'] }, 'model_unknown', /"fruit"/],
    ])('with %s are not made', async (_what, given, code, message) => {
      const store = await open()
      await expect(createToken(store, given, 'ana')).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message),
      })
      expect(await listTokens(store)).toEqual([])
    })

    it('have a name each, also after they were revoked', async () => {
      const store = await open()
      await createToken(store, { name: 'scales', ...PREDICT }, 'ana')
      await revokeToken(store, 'scales')
      await expect(createToken(store, { name: 'scales', ...PREDICT }, 'ana')).rejects.toMatchObject(
        {
          code: 'token_exists',
        },
      )
    })

    it('that are made under one name at the same time are one', async () => {
      const store = await open()
      const made = await Promise.allSettled(
        Array.from({ length: 5 }, () => createToken(store, { name: 'scales', ...PREDICT }, 'ana')),
      )
      expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      expect(await listTokens(store)).toHaveLength(1)
    })

    it('are revoked once, and stay in the list', async () => {
      const store = await open()
      await createToken(store, { name: 'scales', ...PREDICT }, 'ana')
      const revoked = await revokeToken(store, 'scales')
      expect(revoked).toMatchObject({ state: 'revoked', revokedAt: expect.any(String) })
      expect(await revokeToken(store, 'scales')).toEqual(revoked)
      expect(await listTokens(store)).toEqual([revoked])
      expect(await readKnownTokens(store)).toMatchObject([{ isRevoked: true }])
    })

    it('that do not exist are named with the nearest', async () => {
      const store = await open()
      await createToken(store, { name: 'scales', ...PREDICT }, 'ana')
      await expect(revokeToken(store, 'scale')).rejects.toMatchObject({
        code: 'token_unknown',
        hint: 'Did you mean scales?',
      })
    })

    it('expire', async () => {
      const store = await open()
      const expiresAt = new Date(Date.now() + 60).toISOString()
      await createToken(store, { name: 'scales', ...PREDICT, expiresAt }, 'ana')
      expect(await listTokens(store)).toMatchObject([{ state: 'active', expiresAt }])
      await expect.poll(async () => (await listTokens(store))[0]?.state).toBe('expired')
      expect(await readKnownTokens(store)).toMatchObject([{ expiresAtMs: Date.parse(expiresAt) }])
    })

    it('say to the hour when they were used', async () => {
      const store = await open()
      await createToken(store, { name: 'scales', ...PREDICT }, 'ana')
      const lastUse = async () => (await listTokens(store))[0]?.lastUsedAt
      const start = Date.parse('2026-11-22T10:00:00Z')
      const afterMinutes = async (minutes: number) => {
        await recordUse(store, new Map([['scales', start + minutes * 60_000]]))
        return lastUse()
      }
      expect(await lastUse()).toBeUndefined()
      expect(await afterMinutes(0)).toBe('2026-11-22T10:00:00.000Z')
      expect(await afterMinutes(59)).toBe('2026-11-22T10:00:00.000Z')
      expect(await afterMinutes(61)).toBe('2026-11-22T11:01:00.000Z')
      expect(await afterMinutes(10)).toBe('2026-11-22T11:01:00.000Z')
    })
  })

  describe(`the audit log: ${name}`, () => {
    const entry = { who: 'ana', action: 'model.create', target: 'fruits', outcome: 'ok' } as const

    it('gives the newest first, page by page', async () => {
      const store = await open()
      for (let count = 0; count < 5; count++) {
        await recordAudit(store.db, { ...entry, requestId: `r${count}`, address: '192.0.2.1' })
      }
      const first = await readAudit(store, { limit: 3 })
      expect(first.map(({ requestId }) => requestId)).toEqual(['r4', 'r3', 'r2'])
      const second = await readAudit(store, { limit: 3, before: first.at(-1)?.id })
      expect(second.map(({ requestId }) => requestId)).toEqual(['r1', 'r0'])
      expect(second[0]).toMatchObject({ ...entry, address: '192.0.2.1', details: {} })
    })

    it('finds what is about a model and its versions, and no model with a name like it', async () => {
      const store = await open()
      for (const target of ['a_b', 'a_b/v1', 'axb', 'axb/v1', 'a_bc', '']) {
        await recordAudit(store.db, { ...entry, target, details: { target } })
      }
      const found = await readAudit(store, { model: 'a_b', limit: 10 })
      expect(found.map(({ target }) => target)).toEqual(['a_b/v1', 'a_b'])
      expect(found[0]?.details).toEqual({ target: 'a_b/v1' })
    })

    it('finds what was since', async () => {
      const store = await open()
      await recordAudit(store.db, entry)
      const soon = new Date(Date.now() + 60_000).toISOString()
      expect(await readAudit(store, { since: soon, limit: 10 })).toEqual([])
      expect(await readAudit(store, { since: '2020-01-01T00:00:00Z', limit: 10 })).toHaveLength(1)
    })

    it('is not changed', async () => {
      const store = await open()
      await recordAudit(store.db, entry)
      const change = store.db.updateTable('audit').set({ who: 'somebody else' }).execute()
      await expect(change).rejects.toThrow(/append-only/)
    })

    it('has every change of a registry, and no change that was refused', async () => {
      const store = await open()
      const registry = auditedRegistry(store, 'ana')
      const files = bundleFiles(1)
      await registry.createModel('fruits')
      await expect(registry.createModel('fruits')).rejects.toMatchObject({ code: 'model_exists' })
      await registry.register({ model: 'fruits', version: 'v1', files })
      await registry.register({ model: 'fruits', files: bundleFiles(2) })
      await registry.updateVersion('fruits', 'v2', { description: 'better' })
      await registry.setDefault('fruits', 'v2')
      await registry.setCanary('fruits', { version: 'v1', percent: 10 })
      await registry.setCanary('fruits', undefined)
      await registry.setShadow('fruits', 'v1')
      await registry.setShadow('fruits', undefined)
      await registry.rollback('fruits')
      await registry.updateModel('fruits', { description: 'at home' })
      await registry.deleteVersion('fruits', 'v2', { dryRun: true })
      await registry.deleteVersion('fruits', 'v2')
      await registry.deleteModel('fruits', { force: true, dryRun: true })
      await registry.deleteModel('fruits', { force: true })
      const entries = await readAudit(store, { limit: 100 })
      expect(entries.reverse().map(({ action, target }) => `${action} ${target}`)).toEqual([
        'model.create fruits',
        'version.create fruits/v1',
        'version.create fruits',
        'version.update fruits/v2',
        'default.set fruits/v2',
        'canary.set fruits/v1',
        'canary.set fruits',
        'shadow.set fruits/v1',
        'shadow.set fruits',
        'default.rollback fruits',
        'model.update fruits',
        'version.delete fruits/v2',
        'model.delete fruits',
      ])
      expect(entries.every(({ who, outcome }) => who === 'ana' && outcome === 'ok')).toBe(true)
      expect(entries[5]?.details).toEqual({ version: 'v1', percent: 10 })
    })

    it('is kept together with the change, or neither is', async () => {
      const store = await open()
      const details = { impossible: 1n }
      const registry = createRegistry(
        auditedStore(store, 'ana', { action: 'model.create', target: 'fruits', details }),
      )
      await expect(registry.createModel('fruits')).rejects.toThrow(/BigInt/)
      expect(await createRegistry(store).listModels()).toEqual([])
      expect(await readAudit(store, { limit: 10 })).toEqual([])
    })
  })
}
