/** Google's client for Node.js: `ml_v1` of the npm package googleapis. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stage } from '../support/cloud-client.ts'
import { CLIENTS_MODULES } from '../support/foreign-clients.ts'
import { createModelHome, type ModelHome } from '../support/model-home.ts'
import { readPhoto } from '../support/photos.ts'
import { serversLeft, startServer, type TestServer } from '../support/server.ts'
import { createTinyBundle } from '../support/tiny-bundle.ts'

const parent = 'projects/orchard'
const name = `${parent}/models/fruits`
const b64 = readPhoto('baseline.jpg').toString('base64')

describe.skipIf(CLIENTS_MODULES === undefined)('googleapis for Node.js', () => {
  let home: ModelHome
  let server: TestServer
  // biome-ignore lint/suspicious/noExplicitAny: the package lies outside of this project, and so do its types.
  let ml: any
  beforeAll(async () => {
    home = await createModelHome()
    server = await startServer({ env: { VERGER_HOME: home.path } })
    const { google } = createRequire(join(CLIENTS_MODULES ?? '', 'x.js'))('googleapis')
    ml = google.ml({ version: 'v1', rootUrl: `${server.url}/` })
  })
  afterAll(async () => {
    expect(await server.stop()).toBe(0)
    expect(serversLeft()).toEqual([])
    await home.remove()
  })

  test('lists and describes', async () => {
    const { data } = await ml.projects.models.list({ parent, pageSize: 5 })
    expect(data.models).toMatchObject([{ name, defaultVersion: { name: `${name}/versions/v1` } }])
    const versions = await ml.projects.models.versions.list({ parent: name, pageSize: 1 })
    expect(versions.data.versions).toHaveLength(1)
    const { nextPageToken: pageToken } = versions.data
    const rest = await ml.projects.models.versions.list({ parent: name, pageToken })
    expect(rest.data.versions).toMatchObject([{ name: `${name}/versions/v2` }])
  })

  test('finds an answer that was meant for it, whichever of its methods is called', async () => {
    const answers: Record<string, number> = {}
    const place = { name: `${parent}/models/nope`, parent, resource: `${parent}/models/nope` }
    const visit = async (path: string, node: object): Promise<void> => {
      for (const [key, below] of Object.entries(node)) {
        if (key !== 'context') await visit(`${path}.${key}`, below)
      }
      const calls = Object.getOwnPropertyNames(Object.getPrototypeOf(node))
      for (const call of calls.filter((each) => each !== 'constructor')) {
        const { resource, ...named } = { ...place, ...placeOf(path) }
        // What it calls a resource it takes for the body, where the path has none.
        // Operations are listed by the name of their project.
        const isList = call === 'list'
        const inPath = /Iam/.test(call) ? { resource } : isList ? { ...named, name: parent } : named
        const params = { ...inPath, ...(/^(get|list$)/.test(call) ? {} : { requestBody: {} }) }
        const methods = node as Readonly<
          Record<string, (params: object, options: object) => Promise<unknown>>
        >
        await methods[call]?.(params, { retry: false, validateStatus: () => true }).then(
          (answer) => {
            const { status, data } = answer as {
              status: number
              data: { error?: { message?: string } }
            }
            answers[`${path}.${call}`] = status
            expect(data.error?.message ?? '', `${path}.${call}`).not.toMatch(/Nothing answers/)
          },
        )
      }
    }
    await visit('projects', ml.projects)
    expect(Object.keys(answers)).toHaveLength(46)
    expect(new Set(Object.values(answers))).toEqual(new Set([200, 400, 404, 501]))
    const refused = Object.entries(answers).flatMap(([id, status]) => (status === 501 ? id : []))
    expect(refused.filter((id) => !id.includes('.studies.'))).toEqual([
      'projects.jobs.create',
      'projects.explain',
    ])
  })

  test('predicts', async () => {
    const requestBody = { instances: [{ key: 'a', image_bytes: { b64 } }] }
    const { data } = await ml.projects.predict({ name, requestBody })
    expect(data.predictions).toMatchObject([{ key: 'a', prediction: 0 }])
  })

  test('makes a version, switches to it and back, and deletes it', async () => {
    const deploymentUri = await stage(server.url, 'node', await createTinyBundle({ seed: 3 }))
    const { data: operation } = await ml.projects.models.versions.create({
      parent: name,
      requestBody: { name: 'v3', deploymentUri, framework: 'TENSORFLOW' },
    })
    let done = operation
    while (done.done !== true) {
      done = (await ml.projects.operations.get({ name: operation.name })).data
    }
    expect(done.response).toMatchObject({ name: `${name}/versions/v3`, state: 'READY' })
    // Sent without a body.
    const switched = await ml.projects.models.versions.setDefault({ name: `${name}/versions/v3` })
    expect(switched.data.isDefault).toBe(true)
    await ml.projects.models.patch({
      name,
      updateMask: 'description,defaultVersion.name',
      requestBody: { description: 'Back', defaultVersion: { name: 'v1' } },
    })
    const { data: model } = await ml.projects.models.get({ name })
    expect(model).toMatchObject({ description: 'Back', defaultVersion: { isDefault: true } })
    const deleted = await ml.projects.models.versions.delete({ name: `${name}/versions/v3` })
    expect(deleted.data).toMatchObject({ done: true })
  })

  test('tells errors by their status and message', async () => {
    await expect(ml.projects.models.get({ name: `${parent}/models/nope` })).rejects.toMatchObject({
      status: 404,
      message: expect.stringContaining('Field: name Error:'),
    })
    await expect(
      ml.projects.models.create({ parent, requestBody: { name: 'fruits' } }),
    ).rejects.toMatchObject({ status: 409 })
    await expect(
      ml.projects.predict({ name, requestBody: { instances: ['%'] } }),
    ).rejects.toMatchObject({
      status: 400,
      response: { data: { error: expect.stringMatching(/^Prediction failed: /) } },
    })
  })
})

/** Names of resources that a method below a path takes. */
function placeOf(path: string): {
  readonly name?: string
  readonly parent?: string
  readonly resource?: string
} {
  const collections = path.split('.').slice(1)
  const at = (names: readonly string[]) =>
    [parent, ...names.map((each) => `${each}/nope`)].join('/')
  if (collections.length === 0) return { name: path === 'projects' ? name : parent }
  return {
    name: at(collections),
    resource: at(collections),
    parent: at(collections.slice(0, -1)),
  }
}
