/**
 * `$discovery/rest?version=v1`: the API described in the form that Google's client libraries build themselves from
 * (https://developers.google.com/discovery/v1/reference/apis). The names are the service's, the words are ours.
 */
import type { Field } from './messages/message.ts'
import { MESSAGES } from './messages.ts'
import { CLOUD_METHODS, type CloudMethod } from './methods.ts'

const SCOPES = [
  'https://www.googleapis.com/auth/cloud-platform',
  'https://www.googleapis.com/auth/cloud-platform.read-only',
] as const

const query = (description: string, more: object = {}) => ({
  type: 'string',
  location: 'query',
  description,
  ...more,
})

const GLOBAL_PARAMETERS = {
  '$.xgafv': query('Is not read.', { enum: ['1', '2'], enumDescriptions: ['', ''] }),
  access_token: query('A token of Verger.'),
  alt: query('Form of the answer.', {
    default: 'json',
    enum: ['json', 'media', 'proto'],
    enumDescriptions: ['JSON', 'JSON', 'Refused'],
  }),
  callback: query('Is not read.'),
  fields: query('Part of the answer that is wanted.'),
  key: query('A token of Verger.'),
  oauth_token: query('A token of Verger.'),
  prettyPrint: query('Whether the answer has line breaks.', { type: 'boolean', default: 'true' }),
  quotaUser: query('Is not read.'),
  uploadType: query('Is not read.'),
  upload_protocol: query('Is not read.'),
}

interface ResourceTree {
  methods?: Record<string, unknown>
  resources?: Record<string, ResourceTree>
}

/** Writes the document for a server that clients reach at `rootUrl`, with `/` at its end. */
export function describeApi(rootUrl: string): object {
  return {
    kind: 'discovery#restDescription',
    discoveryVersion: 'v1',
    id: 'ml:v1',
    name: 'ml',
    version: 'v1',
    revision: '20220409',
    title: 'AI Platform Training & Prediction API, as Verger serves it',
    description: 'Models, their versions and predictions.',
    canonicalName: 'Cloud Machine Learning Engine',
    documentationLink: `${rootUrl}api/openapi.json`,
    ownerDomain: 'google.com',
    ownerName: 'Google',
    protocol: 'rest',
    rootUrl,
    baseUrl: rootUrl,
    basePath: '',
    servicePath: '',
    batchPath: 'batch',
    fullyEncodeReservedExpansion: true,
    icons: {},
    auth: {
      oauth2: { scopes: Object.fromEntries(SCOPES.map((scope) => [scope, { description: '' }])) },
    },
    parameters: GLOBAL_PARAMETERS,
    resources: describeResources(),
    schemas: Object.fromEntries(
      Object.entries(MESSAGES).map(([name, { about, fields }]) => [
        name,
        {
          id: name,
          type: 'object',
          description: about,
          properties: Object.fromEntries(
            Object.entries(fields).map(([key, field]) => [key, describeField(field)]),
          ),
        },
      ]),
    ),
  }
}

function describeResources(): Readonly<Record<string, ResourceTree>> {
  const root: ResourceTree = {}
  for (const method of CLOUD_METHODS) {
    const path = method.id.split('.')
    const verb = path.pop() ?? ''
    let node = root
    for (const name of path) {
      node.resources ??= {}
      node.resources[name] ??= {}
      node = node.resources[name]
    }
    node.methods = { ...node.methods, [verb]: describeMethod(method) }
  }
  return root.resources ?? {}
}

function describeMethod(method: CloudMethod): object {
  const { id, verb, about, parameter, request, response, scope } = method
  const { of, collection, action, isWide } = method
  const suffix = `${collection === undefined ? '' : `/${collection}`}${action === undefined ? '' : `:${action}`}`
  return {
    id: `ml.${id}`,
    httpMethod: verb,
    path: `v1/{+${parameter}}${suffix}`,
    flatPath: `v1/${of.map((name) => `${name}/{${name}Id}`).join('/')}${suffix}`,
    description: about,
    parameterOrder: [parameter],
    parameters: {
      [parameter]: {
        type: 'string',
        required: true,
        location: 'path',
        pattern: isWide ? '^projects/.*$' : `^${of.map((name) => `${name}/[^/]+`).join('/')}$`,
        description: `Name of the resource: ${of.map((name) => `${name}/…`).join('/')}`,
      },
      ...Object.fromEntries(
        Object.entries(method.query ?? {}).map(([name, { about: description, type, format }]) => [
          name,
          { type, location: 'query', description, ...(format === undefined ? {} : { format }) },
        ]),
      ),
    },
    ...(request === undefined ? {} : { request: { $ref: request } }),
    response: { $ref: response },
    scopes: scope === 'read' ? SCOPES : SCOPES.slice(0, 1),
  }
}

function describeField(field: Field): object {
  const { about: description, shape, isOutput } = field
  const value = describeValue(field)
  const more = { description, ...(isOutput ? { readOnly: true } : {}) }
  if (shape === 'list') return { type: 'array', items: value, ...more }
  if (shape === 'map') return { type: 'object', additionalProperties: value, ...more }
  return { ...value, ...more }
}

function describeValue({ type }: Field): object {
  if (typeof type === 'object' && 'message' in type) return { $ref: type.message }
  if (typeof type === 'object') {
    return { type: 'string', enum: type, enumDescriptions: type.map(() => '') }
  }
  switch (type) {
    case 'int32':
      return { type: 'integer', format: 'int32' }
    case 'int64':
      return { type: 'string', format: 'int64' }
    case 'double':
      return { type: 'number', format: 'double' }
    case 'bytes':
      return { type: 'string', format: 'byte' }
    case 'time':
      return { type: 'string', format: 'google-datetime' }
    default:
      return { type }
  }
}
