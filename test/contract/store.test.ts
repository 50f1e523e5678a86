/** Opening a home: what is created, what is refused, and what happens to a damaged database. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { sql } from 'kysely'
import { beforeAll, describe, expect, it } from 'vitest'
import { createRegistry } from '../../dist/registry/registry.js'
import { openStore } from '../../dist/store/store.js'
import { bundleFiles, createHome, openHome, openHomeRegistry } from './homes.ts'

describe('opening a store', () => {
  it('creates the home for its owner alone, and opens it again', async () => {
    const home = createHome()
    const store = await openHome({ home })
    expect(statSync(home).mode & 0o777).toBe(0o700)
    await store.blobs.put(Buffer.from('a'))
    await store.close()
    const again = await openHome({ home })
    expect(await again.db.selectFrom('models').selectAll().execute()).toEqual([])
  })

  it('uses settings under which an acknowledged write survives a loss of power', async () => {
    const { db } = await openHome()
    const value = async (pragma: string) => {
      const { rows } = await sql.raw<object>(`pragma ${pragma}`).execute(db)
      return Object.values(rows[0] ?? {})[0]
    }
    expect(await value('journal_mode')).toBe('wal')
    expect(await value('synchronous')).toBe(2)
    expect(await value('foreign_keys')).toBe(1)
    expect(await value('busy_timeout')).toBe(10_000)
  })

  it('lets processes that start together create it together', async () => {
    const home = createHome()
    const outcomes = await Promise.all([1, 2, 3, 4].map(() => openInProcess(home)))
    expect(outcomes).toEqual(Array(4).fill({ code: 0, out: 'opened\n', err: '' }))
  }, 30_000)

  it('refuses a database that a newer Verger has changed, and leaves it as it is', async () => {
    const home = createHome()
    const store = await openHome({ home })
    await sql`insert into kysely_migration values ('9999-future', '2030')`.execute(store.db)
    await store.close()
    const before = readFileSync(join(home, 'verger.db'))
    await expect(openHome({ home })).rejects.toMatchObject({
      code: 'registry_newer',
      message: expect.stringContaining('9999-future'),
    })
    expect(readFileSync(join(home, 'verger.db')).equals(before)).toBe(true)
  })

  it('says when the home is a file, or the database a folder', async () => {
    const home = createHome()
    writeFileSync(home, '')
    await expect(openHome({ home })).rejects.toMatchObject({ code: 'write_failed' })
    const other = createHome()
    mkdirSync(join(other, 'verger.db'), { recursive: true })
    await expect(openHome({ home: other })).rejects.toMatchObject({
      code: 'write_failed',
      message: expect.stringContaining(join(other, 'verger.db')),
    })
  })

  it('keeps the history of defaults append-only', async () => {
    const { registry, store } = await openHomeRegistry()
    await registry.register({ model: 'fruits', files: bundleFiles(1) })
    const { db } = store
    await expect(db.updateTable('default_changes').set({ why: 'x' }).execute()).rejects.toThrow(
      'append-only',
    )
    await expect(db.deleteFrom('default_changes').execute()).rejects.toThrow('append-only')
  })
})

describe('a damaged database', () => {
  let intact: Buffer

  beforeAll(async () => {
    const home = mkdtempSync(join(tmpdir(), 'verger-intact-'))
    const store = await openStore({ home })
    const registry = createRegistry(store)
    for (let seed = 0; seed < 8; seed++) {
      const model = seed % 2 === 0 ? 'fruits' : 'vegetables'
      const description = 'a description that is in the file as it stands here'
      await registry.register({ model, files: bundleFiles(seed), description, setDefault: true })
    }
    await store.close()
    intact = readFileSync(join(home, 'verger.db'))
    rmSync(home, { recursive: true })
  })

  const damages: readonly [string, (bytes: Buffer) => Buffer][] = [
    ['a byte of a description', (bytes) => flip(bytes, bytes.indexOf('a description that'), 0x01)],
    ['a byte that is no text', (bytes) => flip(bytes, bytes.indexOf('a description that'), 0x80)],
    ['a hash', (bytes) => flip(bytes, bytes.indexOf('"head.bin":"') + 20, 0x01)],
    ['a reason in the history', (bytes) => flip(bytes, bytes.indexOf('the first version'), 0x04)],
    ['the schema', (bytes) => flipAll(bytes, 'keep_corrections', 0x80)],
    ['a page in the middle', (bytes) => Buffer.from(bytes).fill(0xab, 8192, 12_288)],
    ['zeros in the middle', (bytes) => Buffer.from(bytes).fill(0, 8192, 20_480)],
    ['the header', (bytes) => Buffer.from(bytes).fill(0x20, 0, 100)],
    ['another file', () => Buffer.from('this is no database, but a text that somebody saved here')],
    ['a lost end', (bytes) => bytes.subarray(0, bytes.length - 4096 * 3)],
  ]

  it.each(damages)('is found and left as it is: %s', async (_words, damage) => {
    const home = createHome()
    const file = join(home, 'verger.db')
    const damaged = damage(intact)
    expect(damaged.equals(intact)).toBe(false)
    mkdirSync(home)
    writeFileSync(file, damaged)
    await expect(openHome({ home })).rejects.toMatchObject({
      code: 'registry_damaged',
      message: expect.stringContaining(file),
      hint: expect.stringMatching(/backup|away/),
    })
    expect(readFileSync(file).equals(damaged)).toBe(true)
    writeFileSync(file, intact)
    const { registry } = await openHomeRegistry({ home })
    expect((await registry.listModels()).map(({ versions }) => versions)).toEqual([4, 4])
  })
})

/** Some of the places are of no use any more: SQLite leaves there what it has moved. */
function flipAll(bytes: Buffer, text: string, bit: number): Buffer {
  let changed = bytes
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) {
    changed = flip(changed, at, bit)
  }
  return changed
}

function flip(bytes: Buffer, offset: number, bit: number): Buffer {
  expect(offset).toBeGreaterThan(100)
  const changed = Buffer.from(bytes)
  changed[offset] = changed.readUInt8(offset) ^ bit
  return changed
}

async function openInProcess(home: string) {
  const program = `
    const { openStore } = await import(${JSON.stringify(new URL('../../dist/store/store.js', import.meta.url).href)})
    const store = await openStore({ home: process.argv[1] })
    await store.db.selectFrom('models').selectAll().execute()
    await store.close()
    console.log('opened')`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, home])
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  return { code, out, err }
}
