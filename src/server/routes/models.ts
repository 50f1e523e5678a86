/** `GET /api/models…`: which models there are, what their versions know, and how well. */

import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { BundleManifest } from '../../bundles/bundle-manifest.ts'
import { BUNDLE_MANIFEST, parseBundleManifest } from '../../bundles/verify-bundle.ts'
import { type ErrorDescription, toVergerError } from '../../core/errors.ts'
import type { Model, Registry, Version } from '../../registry/registry.ts'
import { maySee } from '../../registry/scopes.ts'
import { headlineFigures, readVersionReport } from '../../training/version-report.ts'
import type { HomeRegistry } from '../home-registry.ts'
import {
  type FIGURES_SCHEMA,
  MODEL_SCHEMA,
  MODELS_SCHEMA,
  VERSION_SCHEMA,
} from './model-schemas.ts'
import { describeFailures } from './schemas.ts'

interface OfModel {
  readonly model: string
}

interface OfVersion extends OfModel {
  readonly version: string
}

const OF_MODEL = { type: 'object', properties: { model: { type: 'string' } } } as const
const OF_VERSION = {
  type: 'object',
  properties: { model: { type: 'string' }, version: { type: 'string' } },
} as const

/**
 * A report brings its own policy, which lets its one script run; this one lets it do nothing else. `sandbox` gives it an
 * origin of its own: whatever a bundle from elsewhere calls a report reaches neither the page nor its token.
 */
const REPORT_HEADERS = {
  'content-security-policy':
    "sandbox allow-scripts; default-src 'none'; img-src data:; script-src 'unsafe-inline'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-cache',
}

const modelOf = ({ params }: FastifyRequest): string => (params as OfModel).model

export function registerModelRoutes(app: FastifyInstance, home: HomeRegistry): void {
  app.get(
    '/api/models',
    {
      config: { scope: 'read', isFiltered: true },
      schema: {
        summary: 'The models, in the order of their names',
        response: { 200: MODELS_SCHEMA, ...describeFailures([]) },
      },
    },
    async ({ caller }) => {
      const opened = await home.find()
      if (opened === undefined) return []
      const { registry } = opened
      const models = (await registry.listModels()).filter(({ name }) => maySee(caller, name))
      return Promise.all(models.map((model) => summarise(registry, model)))
    },
  )

  app.get<{ Params: OfModel }>(
    '/api/models/:model',
    {
      config: { scope: 'read', modelOf },
      schema: {
        summary: 'One model with its versions',
        params: OF_MODEL,
        response: { 200: MODEL_SCHEMA, ...describeFailures(['model_unknown']) },
      },
    },
    async ({ params }) => {
      const { registry } = await home.require(params.model)
      const model = await registry.getModel(params.model)
      const versions = await registry.listVersions(params.model)
      return {
        ...(await summarise(registry, model)),
        versions: versions.map((version) => describeVersion(version, model)),
      }
    },
  )

  app.get<{ Params: OfVersion }>(
    '/api/models/:model/versions/:version',
    {
      config: { scope: 'read', modelOf },
      schema: {
        summary: 'One version: its labels, and how well it knows them',
        params: OF_VERSION,
        response: {
          200: VERSION_SCHEMA,
          ...describeFailures(['model_unknown', 'version_unknown', 'blob_missing', 'blob_damaged']),
        },
      },
    },
    async ({ params }) => {
      const { registry } = await home.require(params.model)
      const version = await registry.resolveVersion(params.model, params.version)
      const { labels, backbone, training, imported } = await readManifest(registry, version)
      const figures = await readFigures(registry, version)
      return {
        ...describeVersion(version, await registry.getModel(params.model)),
        labels,
        backbone: backbone.id,
        ...(training === undefined ? {} : { training: describeTraining(training) }),
        ...(imported === undefined ? {} : { imported }),
        ...(figures === undefined ? {} : { figures }),
        hasReport: Object.hasOwn(version.files, 'report.html'),
      }
    },
  )

  app.get<{ Params: OfVersion }>(
    '/api/models/:model/versions/:version/report',
    {
      config: { scope: 'read', modelOf },
      schema: {
        summary: 'The report of a version, as a page that needs nothing else',
        params: OF_VERSION,
        produces: ['text/html'],
        response: {
          200: {
            description: 'The page.',
            content: { 'text/html': { schema: { type: 'string' } } },
          },
          ...describeFailures([
            'model_unknown',
            'version_unknown',
            'version_file_unknown',
            'blob_missing',
            'blob_damaged',
          ]),
        },
      },
    },
    async ({ params }, reply) => {
      const { registry } = await home.require(params.model)
      const version = await registry.resolveVersion(params.model, params.version)
      const page = await registry.readVersionFile(version, 'report.html')
      return reply.headers(REPORT_HEADERS).type('text/html; charset=utf-8').send(Buffer.from(page))
    },
  )
}

/** A model with the labels of the version that answers; one that cannot be read is a finding, so that the others show. */
async function summarise(registry: Registry, model: Model) {
  const { name, description, defaultVersion, keepCorrections, versions, createdAt } = model
  return {
    name,
    description,
    ...(defaultVersion === undefined ? {} : { defaultVersion }),
    keepCorrections,
    versions,
    createdAt,
    ...(defaultVersion === undefined ? {} : await readLabels(registry, name, defaultVersion)),
  }
}

async function readLabels(
  registry: Registry,
  model: string,
  versionName: string,
): Promise<{ readonly labels: readonly string[] } | { readonly error: ErrorDescription }> {
  try {
    const version = await registry.resolveVersion(model, versionName)
    return { labels: (await readManifest(registry, version)).labels }
  } catch (error) {
    return { error: toVergerError(error).describe() }
  }
}

function describeVersion(version: Version, { defaultVersion }: Model) {
  const { model, name, bundle, description, createdAt } = version
  return { model, name, bundle, description, createdAt, isDefault: name === defaultVersion }
}

async function readManifest(registry: Registry, version: Version) {
  return parseBundleManifest(await registry.readVersionFile(version, BUNDLE_MANIFEST))
}

async function readFigures(registry: Registry, version: Version) {
  const report = await readVersionReport(registry, version)
  return (
    report &&
    (headlineFigures(report) satisfies Record<keyof (typeof FIGURES_SCHEMA)['properties'], unknown>)
  )
}

const describeTraining = ({
  dataset,
  photos,
  photosPerLabel,
}: NonNullable<BundleManifest['training']>) => ({ dataset, photos, photosPerLabel })
