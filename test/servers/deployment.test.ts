/** Versions from buckets and into them, by the built program against real servers. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pMap from 'p-map'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Bucket } from '../../dist/buckets/bucket.js'
import { openBucket } from '../../dist/buckets/open-bucket.js'
import { readConfig } from '../../dist/core/config.js'
import { sha256 } from '../../dist/core/hashes.js'
import { openSource } from '../../dist/deployment/open-source.js'
import { createSandbox, outcomeOf, type Sandbox } from '../cli/verger.ts'
import { createFolder } from '../contract/homes.ts'
import { type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts'
import { type ObjectServer, startGcs, startS3 } from '../support/object-servers.ts'

const MODELS = fileURLToPath(new URL('../fixtures/models', import.meta.url))
const { limits } = readConfig({})
const WEIGHTS = fileURLToPath(new URL('../../weights/efficientnet-lite0.onnx', import.meta.url))

describe.each([
  ['s3', startS3],
  ['gs', startGcs],
] as const)('%s', (scheme, start) => {
  let server: ObjectServer
  let proxy: FaultyProxy
  let bucket: Bucket
  const sandboxes: Sandbox[] = []

  beforeAll(async () => {
    server = await start()
    await server.createBucket('models')
    proxy = await startFaultyProxy(server.port)
    await server.reachedAt(proxy.port)
    Object.assign(process.env, server.env(proxy.port))
    bucket = await openBucket({ scheme, bucket: 'models' })
  })
  afterAll(async () => {
    await proxy?.close()
    await server?.stop()
  })
  afterEach(() => {
    for (const sandbox of sandboxes.splice(0)) sandbox.remove()
  })

  const url = (path: string) => `${scheme}://models/${path}`
  const put = (key: string, bytes: Uint8Array) => bucket.put(key, bytes, { sha256: sha256(bytes) })
  const putFile = (key: string, path: string) => put(key, readFileSync(join(MODELS, path)))

  /** A home of its own; what a line prints as JSON. */
  function createHome() {
    const sandbox = createSandbox()
    sandboxes.push(sandbox)
    const env = server.env(proxy.port)
    const run = (line: string, more = {}) => sandbox.run(`verger ${line}`, { ...env, ...more })
    const json = async (line: string, more = {}) => {
      const { stdout, stderr, exit } = await run(`${line} --json`, more)
      expect({ stderr, exit }).toMatchObject({ exit: 0 })
      return JSON.parse(stdout)
    }
    return { sandbox, env, run, json }
  }

  const PHOTO = 'baseline.jpg'

  it('gives a version to another home, with the backbone that it needs', async () => {
    const [here, there] = [createHome(), createHome()]
    await here.run(`versions create fruits/v1 --from ${MODELS}/tensorflow/tf1-frozen`)
    const published = await here.json(`publish fruits/v1 --to ${url('fruits/v1')}`)
    expect(published.put.at(-1)).toBe('bundle.json')
    expect(published.put).toContain('backbone/model.onnx')
    const again = await here.json(`publish fruits/v1 --to ${url('fruits/v1/')}`)
    expect(again).toMatchObject({ put: [], kept: published.put })
    await there.run(`versions create fruits/v1 --from ${url('fruits/v1')}`)
    const [mine, theirs] = [
      await here.json(`predict ${PHOTO} --model fruits`),
      await there.json(`predict ${PHOTO} --model fruits`),
    ]
    expect(theirs).toEqual(mine)
    expect(readdirSync(join(there.sandbox.folder, 'home/cache'))).toEqual(['backbones'])
  })

  it('takes what others put there: a SavedModel, an ONNX file with its labels beside it', async () => {
    await putFile('jean_inception/v1/saved_model.pb', 'tensorflow/tf1-frozen/saved_model.pb')
    // As a console leaves it.
    await put('jean_inception/v1/variables/', new Uint8Array())
    await put('lite/model.onnx', readFileSync(WEIGHTS))
    await put(
      'lite/labels.txt',
      Buffer.from(Array.from({ length: 1000 }, (_, i) => `class ${i}`).join('\n')),
    )
    const { json } = createHome()
    for (const from of [url('jean_inception/v1'), url('jean_inception/v1/saved_model.pb')]) {
      const version = await json(
        `versions create jean_inception/v1 --from ${from} --label team=fruit`,
      )
      expect(version).toMatchObject({ name: 'v1', isDefault: true, labels: { team: 'fruit' } })
    }
    await json(`versions create lite/v1 --from ${url('lite')}`)
    const [{ top }] = await json(`predict ${PHOTO} --model lite`)
    expect(top[0].label).toMatch(/^class \d+$/)
    // The file alone knows no labels.
    expect(
      await json(`models import ${url('lite/model.onnx')} --labels imagenet --dry-run`),
    ).toMatchObject({
      dryRun: true,
      source: { location: url('lite/model.onnx') },
    })
  })

  it.each([
    ['cut twice', [{ cutDownAfter: 3_000_000 }, { cutDownAfter: 2_000_000 }]],
    ['busy', [{ status: 503 }, { status: 503 }]],
  ] as const)('takes it through a network that is %s', async (_words, faults) => {
    await put('lite0/model.onnx', readFileSync(WEIGHTS))
    const { json } = createHome()
    proxy.plan(...faults)
    await json(`versions create lite/v1 --from ${url('lite0/model.onnx')} --labels imagenet`)
    expect(proxy.left).toBe(0)
  })

  it('says what was expected there and what was found, and leaves nothing behind', async () => {
    await put('wrong/notes.txt', Buffer.from('a'))
    await put('wrong/deeper/saved_model.pb', Buffer.from('a'))
    await put('both/bundle.json', Buffer.from('{}'))
    await put('both/saved_model.pb', Buffer.from('a'))
    await put('climbing/a\\..\\..\\b', Buffer.from('a'))
    await put('broken/saved_model.pb', Buffer.from('no protobuf at all'))
    const refused: readonly [string, string, RegExp][] = [
      [
        url('empty'),
        'source_invalid',
        /exactly one of bundle\.json, saved_model\.pb.* in .*empty, found nothing/,
      ],
      [url('wrong'), 'source_invalid', /found deeper\/saved_model\.pb, notes\.txt/],
      [url('both'), 'source_invalid', /found bundle\.json, saved_model\.pb/],
      [url('climbing'), 'source_invalid', /the key .* which is no path of a file/],
      [url('broken'), 'model_invalid', /broken|saved_model/],
      [`${scheme}://no-such-bucket/a`, 'bucket_unknown', /no-such-bucket, found none/],
      [`${scheme}://x/a`, 'bucket_url_invalid', /received "\w+:\/\/x\/a"/],
    ]
    const home = createFolder()
    for (const [from, code, message] of refused) {
      const opening = openSource(from, {}, { home, limits })
      await expect(opening).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
    }
    const cache = join(home, 'cache')
    expect(existsSync(cache) ? readdirSync(cache) : []).toEqual([])
  })

  it('refuses more files than a model has', async () => {
    const keys = Array.from({ length: 1001 }, (_, index) => `many/${index}`)
    await pMap(keys, (key) => put(key, Buffer.from('a')), { concurrency: 20 })
    const opening = openSource(url('many'), {}, { home: createFolder(), limits })
    await expect(opening).rejects.toMatchObject({
      code: 'source_too_large',
      message: expect.stringMatching(/at most 1000 files below .*many, found more than 1000/),
    })
  })

  it('does not take half of a version for a whole, and publishes the rest', async () => {
    const { sandbox, env, run, json } = createHome()
    await run(`models import ${WEIGHTS} --labels imagenet --register lite/v1`)
    const sentBefore = proxy.bytesUp
    const child = sandbox.start(`exec verger publish lite/v1 --to ${url('half')}`, env)
    const ended = outcomeOf(child)
    while (proxy.bytesUp - sentBefore < 20_000_000) await sleep(1)
    child.kill('SIGKILL')
    expect((await ended).exit).toBe('SIGKILL')
    const taken = await run(`versions create taken/v1 --from ${url('half')}`)
    expect(taken.stderr).toMatch(/\[source_invalid\]/)
    const { put, kept } = await json(`publish lite/v1 --to ${url('half')}`)
    expect(put).toContain('bundle.json')
    expect(kept).toContain('backbone/model.onnx')
    await json(`versions create taken/v1 --from ${url('half')}`)
  })

  it('never replaces what was published', async () => {
    const { run } = createHome()
    await run(`versions create fruits/v1 --from ${MODELS}/tensorflow/tf1-frozen`)
    await run(`versions create fruits/v2 --from ${MODELS}/keras-answers/teachable.zip`)
    await run(`publish fruits/v1 --to ${url('taken')}`)
    for (const line of [
      `publish fruits/v2 --to ${url('taken')}`,
      `publish fruits/v1 --to ${url('taken')} --format onnx`,
    ]) {
      const { stderr } = await run(line)
      expect(stderr).toMatch(/found bundle\.json of something else \[publication_exists\]/)
    }
    const { stdout } = await run(`publish fruits/v1 --to ${url('as-onnx')} --format onnx`)
    expect(stdout).toMatch(/1 file put/)
    expect((await run(`versions create again/v1 --from ${url('as-onnx')}`)).exit).toBe(0)
  })

  it('keeps the files of versions, for a home without any', async () => {
    const { run, json, sandbox } = createHome()
    const blobs = { VERGER_BLOBS_URL: url('blobs') }
    await json(`versions create fruits/v1 --from ${MODELS}/tensorflow/tf1-frozen`, blobs)
    expect(existsSync(join(sandbox.folder, 'home/blobs'))).toBe(false)
    await json(`predict ${PHOTO} --model fruits`, blobs)
    const elsewhere = await run(`predict ${PHOTO} --model fruits`, {
      VERGER_BLOBS_URL: url('other'),
    })
    expect(elsewhere.stderr).toMatch(/other\/.*found nothing \[blob_missing\]/)
    const wrong = await run(`predict ${PHOTO} --model fruits`, {
      VERGER_BLOBS_URL: `${scheme}://gone-away/a`,
    })
    expect(wrong.stderr).toMatch(/gone-away, found none \[bucket_unknown\]/)
  })
})
