/** The real gcloud against Verger alone: no bucket, no account, nothing but endpoints that are set otherwise. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { GCLOUD } from '../support/foreign-clients.ts'
import { createGcloud, type Gcloud } from '../support/gcloud.ts'
import { createModelHome } from '../support/model-home.ts'
import { readPhoto } from '../support/photos.ts'
import { runProgram, serversLeft, startServer, type TestServer } from '../support/server.ts'

const bytes = readPhoto('baseline.jpg')
const b64 = bytes.toString('base64')
const VERSION_FLAGS = ['--runtime-version', '2.11', '--python-version', '3.7']

describe.skipIf(GCLOUD === undefined)('gcloud ai-platform', () => {
  let folder: string
  let savedModel: string
  let server: TestServer
  let gcloud: Gcloud
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'verger-clients-'))
    savedModel = join(folder, 'saved-model')
    const home = await createModelHome()
    const args = ['export', 'fruits/v1', '--format', 'saved-model', '--out', savedModel]
    const exported = await runProgram(args, { VERGER_HOME: home.path })
    expect(exported.exitCode, exported.stderr.join('\n')).toBe(0)
    await home.remove()
    server = await startServer({ env: { VERGER_HOME: join(folder, 'home') } })
    gcloud = await createGcloud(server.url)
    await writeFile(
      join(folder, 'instances.json'),
      `${JSON.stringify({ key: '0', image_bytes: { b64 } })}\n${JSON.stringify({ key: '1', image_base64: b64 })}\n`,
    )
    await writeFile(join(folder, 'request.json'), JSON.stringify({ instances: [{ b64 }] }))
    await writeFile(join(folder, 'instances.txt'), `${b64}\n`)
  })
  afterAll(async () => {
    expect(await server.stop()).toBe(0)
    expect(serversLeft()).toEqual([])
    await gcloud.remove()
    await rm(folder, { recursive: true, force: true })
  })

  test('declares a model', async () => {
    const created = await gcloud.ai(
      ...['models', 'create', 'jean_inception', '--regions', 'us-central1'],
      ...['--description', 'What is on a photo', '--labels', 'owner=jean'],
    )
    expect(created.stderr).toContain('Created')
    expect(await gcloud.json('models', 'describe', 'jean_inception')).toMatchObject({
      name: 'projects/orchard/models/jean_inception',
      description: 'What is on a photo',
      labels: { owner: 'jean' },
      regions: ['us-central1'],
    })
    const again = await gcloud.ai('models', 'create', 'jean_inception', '--regions', 'us-central1')
    expect(again.exitCode).toBe(1)
    expect(again.stderr).toContain('A model with the same name already exists.')
  })

  test('makes a version of a folder of this machine', async () => {
    const { exitCode, stderr } = await gcloud.ai(
      ...['versions', 'create', 'v1', '--model', 'jean_inception', '--framework', 'tensorflow'],
      ...['--origin', savedModel, '--staging-bucket', 'gs://staging', ...VERSION_FLAGS],
    )
    expect(exitCode, stderr).toBe(0)
    expect(
      await gcloud.json('versions', 'describe', 'v1', '--model', 'jean_inception'),
    ).toMatchObject({
      name: 'projects/orchard/models/jean_inception/versions/v1',
      state: 'READY',
      isDefault: true,
      framework: 'TENSORFLOW',
      runtimeVersion: '2.11',
      deploymentUri: expect.stringMatching(/^gs:\/\/staging\/[0-9a-f]{64}\/$/),
    })
  })

  test('makes a version of what was copied to a bucket', async () => {
    const copied = await gcloud.run(
      ...['storage', 'cp', '--recursive', savedModel, 'gs://orchard-models/jean_inception/v2'],
    )
    expect(copied.exitCode, copied.stderr).toBe(0)
    const { exitCode, stderr } = await gcloud.ai(
      ...['versions', 'create', 'v2', '--model', 'jean_inception', '--async', ...VERSION_FLAGS],
      ...['--origin', 'gs://orchard-models/jean_inception/v2'],
    )
    expect(exitCode, stderr).toBe(0)
    const [{ name }] = await gcloud.json('operations', 'list', '--limit', '1')
    const operation = name.replace(/^.*\//, '')
    const waited = await gcloud.json('operations', 'wait', operation)
    expect(waited.response).toMatchObject({ state: 'READY' })
    expect(await gcloud.json('operations', 'describe', operation)).toMatchObject({
      done: true,
      metadata: { operationType: 'CREATE_VERSION' },
    })
    const listed = await gcloud.ai('versions', 'list', '--model', 'jean_inception')
    expect(listed.stdout).toMatch(/^NAME +DEPLOYMENT_URI +STATE\nv1 .* READY\nv2 .* READY\n$/)
  })

  test.each([
    ['--json-instances', 'instances.json', ['0', '1']],
    ['--json-request', 'request.json', [undefined]],
    ['--text-instances', 'instances.txt', [undefined]],
  ])('predicts with %s', async (flag, file, keys) => {
    const { predictions } = await gcloud.json(
      ...['predict', '--model', 'jean_inception', flag, join(folder, file)],
    )
    expect(predictions).toHaveLength(keys.length)
    for (const [index, key] of keys.entries()) {
      expect(predictions[index].labels[0]).toBe('Granny_Smith')
      expect(predictions[index].scores[0]).toBeGreaterThan(0.9)
      expect(predictions[index].key).toBe(key)
    }
  })

  test('predicts with a version and a signature, as a table', async () => {
    const { stdout } = await gcloud.ai(
      ...['predict', '--model', 'jean_inception', '--version', 'v2'],
      ...['--signature-name', 'serving_bytes', '--json-instances', join(folder, 'instances.json')],
    )
    expect(stdout).toMatch(/^KEY +LABELS +PREDICTION +PROBABILITIES +SCORES\n0 +\['Granny_Smith'/)
  })

  test('shows why instances cannot be answered', async () => {
    const bad = join(folder, 'bad.json')
    await writeFile(bad, '{"image_bytes": {"b64": "bm8="}}\n')
    const { exitCode, stderr } = await gcloud.ai(
      ...['predict', '--model', 'jean_inception', '--json-instances', bad],
    )
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/HTTP request failed\. Response: \{"error":"Prediction failed: /)
  })

  test('switches the default and changes what describes', async () => {
    const switched = await gcloud.ai('versions', 'set-default', 'v2', '--model', 'jean_inception')
    expect(switched.stdout).toContain('isDefault: true')
    const listed = await gcloud.ai('models', 'list')
    expect(listed.stdout).toMatch(/^NAME +DEFAULT_VERSION_NAME\njean_inception +v2\n$/)
    for (const args of [
      ['versions', 'update', 'v2', '--model', 'jean_inception', '--update-labels', 'stage=live'],
      ['models', 'update', 'jean_inception', '--description', 'Named photos'],
    ]) {
      const { exitCode, stderr } = await gcloud.ai(...args)
      expect(exitCode, stderr).toBe(0)
    }
    expect(await gcloud.json('models', 'describe', 'jean_inception')).toMatchObject({
      description: 'Named photos',
      labels: { owner: 'jean' },
      defaultVersion: { labels: { stage: 'live' } },
    })
  })

  test('shows why a version could not be made', async () => {
    const broken = join(folder, 'broken')
    await mkdir(broken)
    await writeFile(join(broken, 'saved_model.pb'), 'not a model')
    const { exitCode, stderr } = await gcloud.ai(
      ...['versions', 'create', 'v3', '--model', 'jean_inception', ...VERSION_FLAGS],
      ...['--origin', broken, '--staging-bucket', 'gs://staging'],
    )
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/Create Version failed\. Bad model detected with error: "Failed to load/)
    const refused = await gcloud.ai(
      ...['versions', 'create', 'v-3', '--model', 'jean_inception', ...VERSION_FLAGS],
      ...['--origin', 'gs://orchard-models/jean_inception/v2'],
    )
    expect(refused.stderr).toMatch(/Field: version\.name Error: Names start with a letter/)
  })

  test('follows what operations tell to their end, as the jobs of their names', async () => {
    const [{ name }] = await gcloud.json(
      ...[
        'operations',
        'list',
        '--filter',
        'metadata.operationType=CREATE_VERSION AND NOT error:*',
      ],
    )
    const operation = name.replace(/^.*\//, '')
    const followed = await gcloud.ai(
      ...['jobs', 'stream-logs', operation, '--polling-interval', '1'],
    )
    expect(followed.stdout + followed.stderr).toContain('create_version jean_inception/')
    expect(followed.exitCode, followed.stderr).toBe(0)
    const jobs = await gcloud.json('jobs', 'list')
    expect(jobs.map(({ jobId }: { jobId: string }) => jobId)).toContain(operation)
    expect(await gcloud.json('jobs', 'describe', operation)).toMatchObject({
      jobId: operation,
      endTime: expect.any(String),
    })
    const cancelled = await gcloud.ai('jobs', 'cancel', operation)
    expect(cancelled.exitCode, cancelled.stderr).toBe(0)
  })

  test('deletes versions, the default last, and then the model', async () => {
    const refused = await gcloud.ai('versions', 'delete', 'v2', '--model', 'jean_inception')
    expect(refused.stderr).toContain('FAILED_PRECONDITION')
    for (const args of [
      ['versions', 'delete', 'v3', '--model', 'jean_inception'],
      ['versions', 'delete', 'v1', '--model', 'jean_inception'],
      ['versions', 'delete', 'v2', '--model', 'jean_inception'],
      ['models', 'delete', 'jean_inception'],
    ]) {
      const { exitCode, stderr } = await gcloud.ai(...args)
      expect(exitCode, `${args.join(' ')}: ${stderr}`).toBe(0)
    }
    expect((await gcloud.ai('models', 'list')).stderr).toContain('Listed 0 items.')
  })
})
