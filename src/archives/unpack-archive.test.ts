import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTar, createTarGz, createZip } from '../../test/support/archives.ts'
import { unpackArchive } from './unpack-archive.ts'

let sandbox: string
let out: string
beforeEach(() => {
  sandbox = mkdtempSync(join(tmpdir(), 'verger-unpack-'))
  out = join(sandbox, 'out', 'photos')
})
afterEach(() => rmSync(sandbox, { recursive: true, force: true }))

/** Random, so that nothing shrinks. */
const NOISE = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 2654435761) >>> 13))

const FILES = [
  { path: 'apple/1.jpg', content: NOISE },
  { path: 'apple/2.jpg', content: '' },
  { path: 'pear/Birne grün 1.jpg', content: 'two' },
]

async function unpack(bytes: Uint8Array, options = {}): Promise<void> {
  const file = join(sandbox, 'archive')
  await writeFile(file, bytes)
  await unpackArchive(file, out, options)
}

/** Nothing but the archive may be in the sandbox, nor anything beside `out`. */
function expectNothingLeft(): void {
  expect(readdirSync(sandbox).filter((name) => !['archive', 'out'].includes(name))).toEqual([])
  if (existsSync(join(sandbox, 'out'))) expect(readdirSync(join(sandbox, 'out'))).toEqual([])
}

const MAKERS = [
  ['zip', createZip],
  ['tar', createTar],
  ['tar.gz', createTarGz],
] as const

describe.each(MAKERS)('a %s', (_name, create) => {
  it('is unpacked, whatever its name, with its progress in bytes of the archive', async () => {
    const bytes = create(FILES)
    const seen: (readonly [number, number | undefined])[] = []
    await unpack(bytes, { onProgress: (done: number, total?: number) => seen.push([done, total]) })
    expect(readdirSync(join(sandbox, 'out'))).toEqual(['photos'])
    for (const { path, content } of FILES) {
      expect(readFileSync(join(out, path)).equals(Buffer.from(content))).toBe(true)
    }
    expect(seen.at(-1)).toEqual([bytes.length, bytes.length])
    expect(seen.every(([done], at) => done >= (seen[at - 1]?.[0] ?? 0))).toBe(true)
  })

  it.each([
    ['climbs out', '../evil.jpg'],
    ['climbs out in the middle', 'apple/../../evil.jpg'],
    ['climbs out with backslashes', 'apple\\..\\..\\evil.jpg'],
    ['is absolute', '/tmp/verger-evil.jpg'],
    ['names a drive', 'C:/evil.jpg'],
    ['is extremely deep', `${'a/'.repeat(101)}evil.jpg`],
  ])('with a path that %s is refused', async (_words, path) => {
    await expect(unpack(create([...FILES, { path, content: 'x' }]))).rejects.toMatchObject({
      code: 'archive_unsafe',
    })
    expectNothingLeft()
  })

  it.each([
    ['outside', '../../secret'],
    ['to an absolute path', '/etc/hostname'],
    ['nowhere', 'nope'],
    ['to itself', 'link'],
  ])('with a link that leads %s is refused', async (_words, target) => {
    await writeFile(join(sandbox, 'secret'), 'secret')
    const link = { path: 'link', type: 'SymbolicLink', target } as const
    await expect(unpack(create([...FILES, link]))).rejects.toMatchObject({ code: 'archive_unsafe' })
    rmSync(join(sandbox, 'secret'))
    expectNothingLeft()
  })

  it('with links that lead outside only together is refused', async () => {
    const files = [
      ...FILES,
      { path: 'a/b/1.jpg', content: 'x' },
      { path: 'a/b/up', type: 'SymbolicLink', target: '../..' },
      { path: 'a/b/out', type: 'SymbolicLink', target: 'up/../../archive' },
    ] as const
    await expect(unpack(create(files))).rejects.toMatchObject({ code: 'archive_unsafe' })
    expectNothingLeft()
  })

  it('never writes through a link', async () => {
    const files = [
      { path: 'apple', type: 'SymbolicLink', target: '../..' },
      { path: 'apple/evil.jpg', content: 'x' },
    ] as const
    await expect(unpack(create(files))).rejects.toMatchObject({ code: /archive_/ })
    expectNothingLeft()
  })

  it('keeps links that stay inside', async () => {
    await unpack(
      create([...FILES, { path: 'pear/a.jpg', type: 'SymbolicLink', target: '../apple/1.jpg' }]),
    )
    expect(readFileSync(join(out, 'pear/a.jpg')).equals(NOISE)).toBe(true)
  })

  it('takes no modes over', async () => {
    await unpack(create([{ path: 'apple/1.jpg', content: 'x', mode: 0o4000 }]))
    expect(readFileSync(join(out, 'apple/1.jpg'), 'utf8')).toBe('x')
  })

  it('that was cut anywhere is refused, and nothing of it is left', async () => {
    const bytes = create(FILES)
    for (const share of [0.1, 0.5, 0.9]) {
      await expect(
        unpack(bytes.subarray(0, Math.floor(bytes.length * share))),
      ).rejects.toMatchObject({ code: 'archive_invalid' })
      expectNothingLeft()
    }
  })

  it('with more bytes than allowed is refused', async () => {
    await expect(unpack(create(FILES), { maxBytes: 299_999 })).rejects.toMatchObject({
      code: 'archive_unsafe',
    })
    expectNothingLeft()
  })

  it('is left alone when its caller aborts', async () => {
    const abort = new AbortController()
    const onProgress = () => abort.abort(new Error('enough'))
    await expect(unpack(create(FILES), { signal: abort.signal, onProgress })).rejects.toThrow(
      'enough',
    )
    expectNothingLeft()
  })

  it('does not replace a folder that has something in it', async () => {
    mkdirSync(join(out, 'kept'), { recursive: true })
    await expect(unpack(create(FILES))).rejects.toMatchObject({ code: 'write_failed' })
    expect(readdirSync(out)).toEqual(['kept'])
    expect(readdirSync(join(sandbox, 'out'))).toEqual(['photos'])
  })
})

describe('a zip', () => {
  /** Changes bytes of an archive at the place of a signature. */
  function patch(bytes: Buffer, signature: string, offset: number, value: number): Buffer {
    const copy = Buffer.from(bytes)
    copy[copy.indexOf(Buffer.from(signature, 'latin1')) + offset] = value
    return copy
  }

  it('whose content differs from its checksum is refused', async () => {
    const bytes = createZip([{ path: 'apple/1.jpg', content: 'pixels '.repeat(100) }])
    await expect(unpack(patch(bytes, 'PK\x01\x02', 16, 0))).rejects.toMatchObject({
      code: 'archive_invalid',
      message: expect.stringContaining('CRC-32'),
    })
    expectNothingLeft()
  })

  it('with a password is refused in those words', async () => {
    await expect(unpack(patch(createZip(FILES), 'PK\x01\x02', 8, 1))).rejects.toMatchObject({
      code: 'archive_invalid',
      message: expect.stringContaining('password'),
    })
  })

  it('with an odd compression is refused by its number', async () => {
    await expect(unpack(patch(createZip(FILES), 'PK\x01\x02', 10, 14))).rejects.toMatchObject({
      code: 'archive_invalid',
      message: expect.stringContaining('compression method 14'),
    })
  })

  it('that is a bomb is refused before anything is written', async () => {
    const bomb = createZip([{ path: 'apple/1.jpg', content: new Uint8Array(80 * 1024 * 1024) }])
    await expect(unpack(bomb)).rejects.toMatchObject({ code: 'archive_unsafe' })
    expectNothingLeft()
  })

  it('that understates what it unpacks to is refused', async () => {
    const bytes = createZip([{ path: 'apple/1.jpg', content: 'pixels '.repeat(100) }])
    await expect(unpack(patch(bytes, 'PK\x01\x02', 24, 9))).rejects.toMatchObject({
      code: 'archive_invalid',
    })
    expectNothingLeft()
  })

  it('leaves the resource forks of macOS out', async () => {
    await unpack(createZip([...FILES, { path: '__MACOSX/apple/._1.jpg', content: 'x' }]))
    expect(readdirSync(out).sort()).toEqual(['apple', 'pear'])
  })

  it('with one path twice is refused', async () => {
    const bytes = createZip([
      { path: 'apple/1.jpg', content: 'a' },
      { path: 'apple/2.jpg', content: 'b' },
    ])
    const twice = Buffer.from(bytes.toString('latin1').replaceAll('2.jpg', '1.jpg'), 'latin1')
    await expect(unpack(twice)).rejects.toMatchObject({
      code: 'archive_invalid',
      message: expect.stringContaining('two entries of one name'),
    })
  })
})

describe('a tar', () => {
  it.each(['CharacterDevice', 'BlockDevice', 'FIFO'] as const)(
    'with a %s is refused',
    async (type) => {
      await expect(unpack(createTar([...FILES, { path: 'dev', type }]))).rejects.toMatchObject({
        code: 'archive_unsafe',
      })
      expectNothingLeft()
    },
  )

  it('with a hard link outside is refused, with one inside unpacked', async () => {
    const link = (target: string) => ({ path: 'hard.jpg', type: 'Link', target }) as const
    await expect(unpack(createTar([...FILES, link('../archive')]))).rejects.toMatchObject({
      code: 'archive_unsafe',
    })
    await expect(unpack(createTar([...FILES, link('/etc/hostname')]))).rejects.toMatchObject({
      code: 'archive_unsafe',
    })
    await unpack(createTar([...FILES, link('apple/1.jpg')]))
    expect(readFileSync(join(out, 'hard.jpg')).equals(NOISE)).toBe(true)
  })

  it('in gzip that is a bomb is refused', async () => {
    const bomb = createTar([{ path: 'apple/1.jpg', content: new Uint8Array(80 * 1024 * 1024) }])
    await expect(unpack(gzipSync(bomb))).rejects.toMatchObject({ code: 'archive_unsafe' })
    expectNothingLeft()
  })

  it.each([
    ['content', 0.5],
    ['checksum', 1],
  ])('in gzip with a damaged %s is refused', async (_words, share) => {
    const bytes = createTarGz(FILES)
    const at = Math.floor((bytes.length - 8) * share)
    bytes.writeUInt8(bytes.readUInt8(at) ^ 0xff, at)
    await expect(unpack(bytes)).rejects.toMatchObject({ code: 'archive_invalid' })
    expectNothingLeft()
  })

  it('that tar(1) made is unpacked, with long and Unicode names', async () => {
    const long = `${'very long name '.repeat(12)}.jpg`
    await unpack(createZip([{ path: `übung/${long}`, content: 'x' }]))
    execFileSync('tar', ['czf', join(sandbox, 'gnu.tgz'), '-C', out, '.'])
    await unpackArchive(join(sandbox, 'gnu.tgz'), join(sandbox, 'out/again'))
    expect(readFileSync(join(sandbox, 'out/again/übung', long), 'utf8')).toBe('x')
  })
})

describe('what is no archive', () => {
  it.each([
    ['nothing', '', 'an empty file'],
    ['a web page', '<!DOCTYPE html><html>', 'starts with the text "<!DOCTYPE html><html>"'],
    ['another archive', '7z\xbc\xaf\x27\x1c', '7z'],
    ['gzip of something else', gzipSync('hello world'), ''],
    ['a photo', Buffer.from('ffd8ffe000104a46', 'hex'), 'the bytes ffd8ffe000104a46'],
  ])('is refused: %s', async (_words, content, words) => {
    await expect(unpack(Buffer.from(content as string, 'latin1'))).rejects.toMatchObject({
      code: 'archive_invalid',
      message: expect.stringContaining(words),
    })
    expectNothingLeft()
  })

  it.each(['nope.zip', '.'])('is refused: %s', async (name) => {
    await expect(unpackArchive(join(sandbox, name), out)).rejects.toMatchObject({
      code: 'archive_invalid',
    })
  })
})
