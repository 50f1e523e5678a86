/** A bundle's folder is there in full or not at all. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeBundleFolder } from '../../dist/bundles/encode-bundle.js'
import { readBundleFolder } from '../../dist/bundles/verify-bundle.js'
import { canMount } from '../support/can-mount.ts'

/** More of them by hand: VERGER_KILLS=100. */
const KILLS = Number(process.env['VERGER_KILLS'] ?? 10)
const LONGEST_LIFE_MS = 500

const program = (name: string) => fileURLToPath(new URL(`./programs/${name}`, import.meta.url))

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'verger-bundles-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const FILES = new Map([
  ['bundle.json', Buffer.from('{"some":"manifest"}')],
  ['head.safetensors', Buffer.alloc(2000, 3)],
  ['report.html', Buffer.from('<!doctype html>')],
])

function readAll(path: string): Map<string, Buffer> {
  return new Map(readdirSync(path).map((name) => [name, readFileSync(join(path, name))]))
}

describe('writeBundleFolder', () => {
  it('writes all files, in a folder that others may read, and nothing beside it', async () => {
    const path = join(folder, 'new/below/fruits')
    await writeBundleFolder(FILES, path)
    expect(readAll(path)).toEqual(FILES)
    expect(readdirSync(join(folder, 'new/below'))).toEqual(['fruits'])
    expect(execFileSync('stat', ['-c', '%a', path], { encoding: 'utf8' }).trim()).toBe('755')
  })

  it('takes an empty folder', async () => {
    mkdirSync(join(folder, 'empty'))
    await writeBundleFolder(FILES, join(folder, 'empty/'))
    expect(readAll(join(folder, 'empty'))).toEqual(FILES)
  })

  it.each<[string, (path: string) => void]>([
    [
      'a bundle',
      (path) => {
        mkdirSync(path)
        writeFileSync(join(path, 'bundle.json'), 'another')
      },
    ],
    ['a file', (path) => writeFileSync(path, 'a file')],
    ['a link to nothing', (path) => symlinkSync('nowhere', path)],
  ])('leaves %s as it is', async (_words, prepare) => {
    const path = join(folder, 'taken')
    prepare(path)
    await expect(writeBundleFolder(FILES, path)).rejects.toMatchObject({ code: 'bundle_exists' })
    expect(readdirSync(folder)).toEqual(['taken'])
    if (existsSync(join(path, 'bundle.json'))) {
      expect(readFileSync(join(path, 'bundle.json'), 'utf8')).toBe('another')
    }
  })

  it('lets one of several have a name that they want at once', async () => {
    const outcomes = await Promise.allSettled(
      [1, 2, 3, 4].map((seed) =>
        writeBundleFolder(
          new Map([...FILES, ['bundle.json', Buffer.from(`${seed}`)]]),
          join(folder, 'wanted'),
        ),
      ),
    )
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
    expect(refused.map(({ reason }) => reason.code)).toEqual(new Array(3).fill('bundle_exists'))
    const winner = outcomes.findIndex(({ status }) => status === 'fulfilled') + 1
    expect(readFileSync(join(folder, 'wanted/bundle.json'), 'utf8')).toBe(`${winner}`)
    expect(readdirSync(folder)).toEqual(['wanted'])
  })

  it('says where it cannot write', async () => {
    writeFileSync(join(folder, 'file'), '')
    const below = writeBundleFolder(FILES, join(folder, 'file/below'))
    await expect(below).rejects.toMatchObject({ code: 'write_failed' })
    expect(readdirSync(folder)).toEqual(['file'])
  })

  it(
    `shows nothing half-made after kill -9 at ${KILLS} random moments`,
    async () => {
      const acknowledged: string[] = []
      for (let kill = 0; kill < KILLS; kill++) {
        const args = [program('write-bundle.mjs'), folder, String(kill * 1000)]
        const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
        const [out] = await Promise.all([
          text(child.stdout),
          once(child, 'close'),
          sleep(Math.random() * LONGEST_LIFE_MS).then(() => child.kill('SIGKILL')),
        ])
        acknowledged.push(...out.split('\n').slice(0, -1))
      }
      const shown = readdirSync(folder).filter((name) => !name.startsWith('.'))
      expect(shown).toEqual(expect.arrayContaining(acknowledged))
      expect(shown.length).toBeLessThanOrEqual(acknowledged.length + KILLS)
      expect(acknowledged.length).toBeGreaterThan(KILLS)
      for (const name of shown) {
        const index = Number(name.replace('bundle-', ''))
        const files = readAll(join(folder, name))
        expect(files.get('bundle.json')?.toString()).toBe(`{"index":${index}}`)
        const head = files.get('head.safetensors')
        expect(head?.equals(Buffer.alloc(300_000, index))).toBe(true)
        expect(files.get('report.html')).toHaveLength(100_000)
      }
    },
    60_000 + KILLS * 2000,
  )
})

describe.skipIf(!canMount)('a full disk (skipped where unshare may not mount)', () => {
  it('is said, and leaves nothing', () => {
    const script = 'mount -t tmpfs -o size=200k tmpfs "$1" && "$0" "$2" "$1/fruits" && ls -A "$1"'
    const args = ['-rm', 'sh', '-c', script, process.execPath, folder]
    const out = execFileSync('unshare', [...args, program('write-bundle-once.mjs')], {
      encoding: 'utf8',
    })
    expect(out).toBe('disk_full\n')
  })
})

describe('readBundleFolder', () => {
  it('tells a folder that is no bundle from one that lacks a file', async () => {
    for (const path of [join(folder, 'nowhere'), folder]) {
      await expect(readBundleFolder(path)).rejects.toMatchObject({ code: 'bundle_not_found' })
    }
    writeFileSync(join(folder, 'bundle.json'), '{')
    await expect(readBundleFolder(folder)).rejects.toMatchObject({ code: 'bundle_damaged' })
  })
})
