/** `/api/models/{model}/versions`: what its versions are, what they know, and how well. */
import type { FastifyInstance } from 'fastify'
import type { BundleManifest } from '../../bundles/bundle-manifest.ts'
import { BUNDLE_MANIFEST, parseBundleManifest } from '../../bundles/verify-bundle.ts'
import type { Registry, Version, VersionSettings } from '../../registry/registry.ts'
import { headlineFigures, readVersionReport } from '../../training/version-report.ts'
import type { RouteOptions } from '../route-options.ts'
import {
  type FIGURES_SCHEMA,
  IF_MATCH,
  OF_MODEL,
  OF_VERSION,
  type OfModel,
  type OfVersion,
  VERSION_SETTINGS,
  WHY,
} from './model-schemas.ts'
import { modelOf, preconditionOf, tag } from './models.ts'
import {
  describeFailures,
  json,
  LINK_HEADER,
  nextLink,
  type PageQuery,
  pageOf,
  refTo,
  takePage,
} from './schemas.ts'

const tags = ['versions']

const PAGE = 1000

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

const FILE_CODES = [
  'model_unknown',
  'version_unknown',
  'version_file_unknown',
  'blob_missing',
  'blob_damaged',
] as const

export function registerVersionRoutes(app: FastifyInstance, { home }: RouteOptions): void {
  app.get<{ Params: OfModel; Querystring: PageQuery }>(
    '/api/models/:model/versions',
    {
      config: { scope: 'read', modelOf },
      schema: {
        tags,
        summary: 'The versions of a model, the newest first',
        params: OF_MODEL,
        querystring: pageOf('version', PAGE),
        response: {
          200: json(
            'The versions',
            { type: 'array', items: refTo('Version') },
            { headers: LINK_HEADER },
          ),
          ...describeFailures(['model_unknown']),
        },
      },
    },
    async ({ params: { model }, query }, reply) => {
      const { registry } = await home.require(model)
      const { page, next } = takePage(await registry.listVersions(model), query)
      if (next !== undefined) {
        void reply.header(
          'link',
          nextLink(`/api/models/${encodeURIComponent(model)}/versions`, next),
        )
      }
      return markDefault(registry, model, page)
    },
  )

  app.get<{ Params: OfVersion }>(
    '/api/models/:model/versions/:version',
    {
      config: { scope: 'read', modelOf },
      schema: {
        tags,
        summary: 'One version: its classes, and how well it knows them',
        params: OF_VERSION,
        response: {
          200: json('The version', refTo('VersionDetails')),
          ...describeFailures(['model_unknown', 'version_unknown', 'blob_missing', 'blob_damaged']),
        },
      },
    },
    async ({ params }, reply) => {
      const { registry } = await home.require(params.model)
      const version = tag(reply, await registry.resolveVersion(params.model, params.version))
      const [marked] = await markDefault(registry, params.model, [version])
      const manifest = parseBundleManifest(await registry.readVersionFile(version, BUNDLE_MANIFEST))
      const { labels, backbone, training, imported } = manifest
      const figures = await readFigures(registry, version)
      return {
        ...marked,
        classes: labels,
        backbone: backbone.id,
        ...(training === undefined ? {} : { training: describeTraining(training) }),
        ...(imported === undefined ? {} : { imported }),
        ...(figures === undefined ? {} : { figures }),
        hasReport: Object.hasOwn(version.files, 'report.html'),
      }
    },
  )

  app.patch<{ Params: OfVersion; Body: VersionSettings }>(
    '/api/models/:model/versions/:version',
    {
      config: { scope: 'manage', action: 'version.update', modelOf },
      schema: {
        tags,
        summary: 'Change what is said of a version; what it answers never changes',
        params: OF_VERSION,
        headers: IF_MATCH,
        body: {
          type: 'object',
          additionalProperties: false,
          properties: VERSION_SETTINGS,
          examples: [
            { description: 'trained on the photos of November', labels: { season: 'autumn' } },
          ],
        },
        response: {
          200: json('The version', refTo('Version')),
          ...describeFailures([
            'model_unknown',
            'version_unknown',
            'settings_invalid',
            'etag_mismatch',
          ]),
        },
      },
    },
    async ({ params: { model, version }, body, headers }, reply) => {
      const { registry } = await home.require(model)
      const updated = await registry.updateVersion(model, version, body, preconditionOf(headers))
      const [marked] = await markDefault(registry, model, [tag(reply, updated)])
      return marked
    },
  )

  app.delete<{
    Params: OfVersion
    Querystring: { readonly dryRun: boolean; readonly why?: string }
  }>(
    '/api/models/:model/versions/:version',
    {
      config: { scope: 'manage', action: 'version.delete', modelOf },
      schema: {
        tags,
        summary: 'Delete a version',
        description: 'The default can only be deleted when it is the last version.',
        params: OF_VERSION,
        querystring: {
          type: 'object',
          additionalProperties: false,
          properties: {
            dryRun: { type: 'boolean', default: false, description: 'Do all but the deletion' },
            why: WHY,
          },
        },
        response: {
          200: json('The version that was deleted, or would be', refTo('Version')),
          ...describeFailures([
            'model_unknown',
            'version_unknown',
            'version_is_default',
            'version_in_use',
          ]),
        },
      },
    },
    async ({ params, query, caller }) => {
      const { registry } = await home.require(params.model)
      const version = await registry.resolveVersion(params.model, params.version)
      const [marked] = await markDefault(registry, params.model, [version])
      await registry.deleteVersion(params.model, params.version, { ...query, who: caller.name })
      return marked
    },
  )

  app.get<{ Params: OfVersion & { readonly file: string } }>(
    '/api/models/:model/versions/:version/files/:file',
    {
      config: { scope: 'read', modelOf },
      schema: {
        tags,
        summary: 'One file of a version',
        params: {
          ...OF_VERSION,
          properties: {
            ...OF_VERSION.properties,
            file: { type: 'string', description: 'Its name, / as %2F', examples: ['bundle.json'] },
          },
          required: [...OF_VERSION.required, 'file'],
        },
        produces: ['application/octet-stream'],
        response: {
          200: {
            description: 'Its bytes',
            content: {
              'application/octet-stream': { schema: { type: 'string', format: 'binary' } },
            },
          },
          ...describeFailures(FILE_CODES),
        },
      },
    },
    async ({ params }, reply) => {
      const { registry } = await home.require(params.model)
      const version = await registry.resolveVersion(params.model, params.version)
      const bytes = await registry.readVersionFile(version, params.file)
      return reply
        .header('x-content-type-options', 'nosniff')
        .type('application/octet-stream')
        .send(Buffer.from(bytes))
    },
  )

  app.get<{ Params: OfVersion }>(
    '/api/models/:model/versions/:version/report',
    {
      config: { scope: 'read', modelOf },
      schema: {
        tags,
        summary: 'The report of a version, as a page that needs nothing else',
        params: OF_VERSION,
        produces: ['text/html'],
        response: {
          200: {
            description: 'The page',
            content: { 'text/html': { schema: { type: 'string' } } },
          },
          ...describeFailures(FILE_CODES),
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

/** Versions of one model, with which of them answers. */
async function markDefault(registry: Registry, model: string, versions: readonly Version[]) {
  const { defaultVersion } = await registry.getModel(model)
  return versions.map((version) => ({ ...version, isDefault: version.name === defaultVersion }))
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
