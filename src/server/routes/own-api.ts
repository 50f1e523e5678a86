/** What all routes of our own API share: queries without unknown keys, numbers in them, and a word for a wrong method. */
import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import { VergerError } from '../../core/errors.ts'
import { redactUrl } from '../redact-url.ts'

interface QuerySchema {
  readonly properties?: Readonly<Record<string, { readonly type?: string }>>
}

const NO_QUERY = { type: 'object', additionalProperties: false, properties: {} } as const

/** Registers routes of our own API, which `register` adds to the instance that it is given. */
export async function registerOwnApi(
  app: FastifyInstance,
  register: (api: FastifyInstance) => Promise<void>,
): Promise<void> {
  await app.register(async (api) => {
    const methods = new Map<string, Set<string>>()
    api.addHook('onRoute', (route) => {
      route.schema = { querystring: NO_QUERY, ...route.schema }
      remember(methods, route)
    })
    // Only the query arrives as text: coercion of types would also turn numbers of a JSON body into photos.
    api.addHook('preValidation', async (request) => readQuery(request))
    await register(api)
    refuseOtherMethods(api, methods)
  })
}

function remember(methods: Map<string, Set<string>>, { url, method }: RouteOptions): void {
  const known = methods.get(url) ?? new Set()
  for (const each of [method].flat()) known.add(each)
  methods.set(url, known)
}

/** Gives whole numbers and truth values of a query their type; what is neither stays text, for the schema to refuse. */
function readQuery({ query, routeOptions }: FastifyRequest): void {
  const { properties = {} } = (routeOptions.schema?.querystring ?? {}) as QuerySchema
  const values = query as Record<string, unknown>
  for (const [name, { type }] of Object.entries(properties)) {
    const value = values[name]
    if (type === 'integer' && /^-?\d+$/.test(String(value))) values[name] = Number(value)
    if (type === 'boolean' && (value === 'true' || value === 'false'))
      values[name] = value === 'true'
  }
}

/** `OPTIONS` is left to what answers browsers that ask before they send. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'QUERY'] as const

/** RFC 9110, section 15.5.6: a path that exists answers other methods with those that it has. */
function refuseOtherMethods(api: FastifyInstance, methods: Map<string, Set<string>>): void {
  for (const [url, known] of [...methods]) {
    const allow = [...known].join(', ')
    api.route({
      method: METHODS.filter((method) => !known.has(method)),
      url,
      exposeHeadRoute: false,
      schema: { hide: true },
      // Before anything of the request is judged but who sent it.
      onRequest: async (request, reply) => {
        void reply.header('allow', allow)
        throw new VergerError(
          'method_not_allowed',
          `Expected ${allow} for ${redactUrl(request.url)}, received ${request.method}`,
          { hint: 'GET /api/openapi.json lists the routes.' },
        )
      },
      handler: async () => undefined,
    })
  }
}
