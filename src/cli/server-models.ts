/** The models of a server, over its own API. */
import type { Model as ModelJson, Version as VersionJson } from '../client/create-client.ts'
import type { Config } from '../core/config.ts'
import type { Change, DefaultChange, Model, Precondition, Version } from '../registry/registry.ts'
import type { ModelCard } from '../training/model-card.ts'
import type { AskedServer } from './ask-server.ts'
import type { ModelsApi } from './models-api.ts'

export function serverModels(
  server: AskedServer,
  config: Pick<Config, 'home' | 'limits'>,
): ModelsApi {
  const { ask } = server
  const ofModel = (model: string) => ({ params: { path: { model } } })
  const ofVersion = (model: string, version: string) => ({ params: { path: { model, version } } })

  return {
    async listModels() {
      const models: Model[] = []
      for (let after: string | undefined; ; ) {
        const query = after === undefined ? {} : { after }
        const { data, headers } = await ask((client) =>
          client.GET('/api/models', { params: { query } }),
        )
        models.push(...data.map(toModel))
        after = nextPage(headers)
        if (after === undefined) return models
      }
    },
    async getModel(name) {
      const { data } = await ask((client) => client.GET('/api/models/{model}', ofModel(name)))
      return toModel(data)
    },
    async createModel(name, settings = {}) {
      const { annotations: _, ...body } = settings
      const { data } = await ask((client) =>
        client.POST('/api/models', { body: { name, ...body } }),
      )
      return toModel(data)
    },
    async updateModel(name, settings, precondition) {
      const { annotations: _, ...body } = settings
      const { path } = ofModel(name).params
      const params = { path, header: headerOf(precondition) }
      const { data } = await ask((client) => client.PATCH('/api/models/{model}', { params, body }))
      return toModel(data)
    },
    async removeModel(name, query) {
      const params = { ...ofModel(name).params, query }
      const { data } = await ask((client) => client.DELETE('/api/models/{model}', { params }))
      return data
    },
    async readCard(name, version) {
      const query = version === undefined ? {} : { version }
      const params = { ...ofModel(name).params, query }
      const { data } = await ask((client) => client.GET('/api/models/{model}/card', { params }))
      const card = pick(data, CARD_KEYS) as ModelCard
      return card.default === undefined ? card : { ...card, default: toChange(card.default) }
    },

    async listVersions(model) {
      const versions: Version[] = []
      for (let after: string | undefined; ; ) {
        const params = { ...ofModel(model).params, query: after === undefined ? {} : { after } }
        const { data, headers } = await ask((client) =>
          client.GET('/api/models/{model}/versions', { params }),
        )
        versions.push(...data.map(toVersion))
        after = nextPage(headers)
        if (after === undefined) return versions
      }
    },
    async resolveVersion(model, version) {
      const { data } = await ask<VersionJson>((client) =>
        version === undefined
          ? client.GET('/api/models/{model}/default', ofModel(model))
          : client.GET('/api/models/{model}/versions/{version}', ofVersion(model, version)),
      )
      return toVersion(data)
    },
    async updateVersion(model, version, settings, precondition) {
      const { annotations: _, ...body } = settings
      const { path } = ofVersion(model, version).params
      const params = { path, header: headerOf(precondition) }
      const { data } = await ask((client) =>
        client.PATCH('/api/models/{model}/versions/{version}', { params, body }),
      )
      return toVersion(data)
    },
    async deleteVersion(model, version, { dryRun = false, why } = {}) {
      const { path } = ofVersion(model, version).params
      const params = { path, query: { dryRun, ...(why === undefined ? {} : { why }) } }
      await ask((client) => client.DELETE('/api/models/{model}/versions/{version}', { params }))
    },
    async createVersion(version, narrator) {
      const { uploadVersion } = await import('./upload-version.ts')
      return toVersion(await uploadVersion(server, config, version, narrator))
    },
    async readVersionFile({ model, name: version }, file) {
      const params = { path: { model, version, file } }
      const { data } = await ask((client) =>
        client.GET('/api/models/{model}/versions/{version}/files/{file}', {
          params,
          parseAs: 'arrayBuffer',
        }),
      )
      return new Uint8Array(data)
    },

    async setDefault(model, version, change) {
      const body = { version, ...whyOf(change) }
      const { data } = await ask((client) =>
        client.PUT('/api/models/{model}/default', { ...ofModel(model), body }),
      )
      return data.change === undefined ? undefined : toChange(data.change)
    },
    async rollback(model, change) {
      const { data } = await ask((client) =>
        client.POST('/api/models/{model}/rollback', { ...ofModel(model), body: whyOf(change) }),
      )
      return toChange(data)
    },
    async setCanary(model, canary, change) {
      const params = { ...ofModel(model).params, query: whyOf(change) }
      const { data } = await ask<ModelJson>((client) =>
        canary === undefined
          ? client.DELETE('/api/models/{model}/canary', { params })
          : client.PUT('/api/models/{model}/canary', {
              ...ofModel(model),
              body: { ...canary, ...whyOf(change) },
            }),
      )
      return toModel(data)
    },
    async setShadow(model, version, change) {
      const params = { ...ofModel(model).params, query: whyOf(change) }
      const { data } = await ask<ModelJson>((client) =>
        version === undefined
          ? client.DELETE('/api/models/{model}/shadow', { params })
          : client.PUT('/api/models/{model}/shadow', {
              ...ofModel(model),
              body: { version, ...whyOf(change) },
            }),
      )
      return toModel(data)
    },
    async readHistory(model) {
      const { data } = await ask((client) =>
        client.GET('/api/models/{model}/history', ofModel(model)),
      )
      return data.map(toChange)
    },
  }
}

const whyOf = ({ why }: Change = {}) => (why === undefined ? {} : { why })

const headerOf = ({ ifMatch }: Precondition = {}) =>
  ifMatch === undefined ? {} : { 'if-match': `"${ifMatch}"` }

/** Keys of what this machine prints, in their order; a server says more, and in another order. */
const MODEL_KEYS = [
  'name',
  'description',
  'defaultVersion',
  'keepCorrections',
  'keepCorrectionsDays',
  'versions',
  'labels',
  'annotations',
  'canary',
  'shadow',
  'etag',
  'createdAt',
  'updatedAt',
] as const satisfies readonly (keyof Model)[]

const VERSION_KEYS = [
  'model',
  'name',
  'bundle',
  'files',
  'description',
  'labels',
  'annotations',
  'backboneFiles',
  'etag',
  'createdAt',
] as const satisfies readonly (keyof Version)[]

const CHANGE_KEYS = [
  'at',
  'kind',
  'who',
  'why',
  'from',
  'to',
  'percent',
  'tookMs',
] as const satisfies readonly (keyof DefaultChange)[]

const CARD_KEYS = [
  'model',
  'description',
  'keepCorrections',
  'labels',
  'canary',
  'shadow',
  'version',
  'versionDescription',
  'versionLabels',
  'bundle',
  'registeredAt',
  'default',
  'backbone',
  'head',
  'data',
  'tuning',
  'imported',
  'figures',
  'intendedUse',
  'limits',
] as const satisfies readonly (keyof ModelCard)[]

function pick(from: object, keys: readonly string[]): unknown {
  const values = from as Readonly<Record<string, unknown>>
  return Object.fromEntries(keys.map((key) => [key, values[key]]))
}

const toModel = (model: ModelJson) => pick(model, MODEL_KEYS) as Model
const toVersion = (version: VersionJson) => pick(version, VERSION_KEYS) as Version
const toChange = (change: object) => pick(change, CHANGE_KEYS) as DefaultChange

/** The name behind which the next page begins (RFC 8288). */
function nextPage(headers: Headers): string | undefined {
  const [, url] = /^<([^>]+)>; rel="next"$/.exec(headers.get('link') ?? '') ?? []
  return url === undefined
    ? undefined
    : (new URL(url, 'http://verger').searchParams.get('after') ?? undefined)
}
