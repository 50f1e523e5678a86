/** The document that describes every route: our own, and those of the protocols of others. */
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import type { FastifyContextConfig, FastifySchema } from 'fastify'
import { readVersion } from '../src/core/version.ts'

/** Groups of routes, in the order of the reference page. Those of our own API stand first. */
export const OWN_TAGS = [
  { name: 'predictions', description: 'Photos in, labels out.' },
  {
    name: 'models',
    description: 'Use cases with a name, each with versions, one of which answers.',
  },
  { name: 'versions', description: 'Bundles under the name of a model. They never change.' },
  {
    name: 'default',
    description:
      'Which version answers where none is named, who switched it, and what is tried beside it.',
  },
  {
    name: 'operations',
    description: 'What takes longer than a request: followed, waited for, cancelled.',
  },
  { name: 'tokens', description: 'Who may ask for what.' },
  { name: 'audit', description: 'Who changed what, and who was refused.' },
  { name: 'uploads', description: 'Files of bundles by the hash of their bytes.' },
  { name: 'server', description: 'Probes, metrics, and what is in memory.' },
] as const

/** Protocols of others. */
const FOREIGN_TAGS = [
  {
    name: 'tensorflow-serving',
    description:
      'TensorFlow Serving REST and KServe v1, for their clients. Photos travel as base64 text or `{"b64": …}`.',
  },
  {
    name: 'open-inference',
    description:
      'The Open Inference Protocol (v2) for clients of KServe, Triton and MLServer, with its binary, classification and repository extensions.',
  },
] as const

export const OPENAPI: FastifyDynamicSwaggerOptions = {
  openapi: {
    openapi: '3.1.0',
    info: {
      title: 'Verger',
      version: readVersion(),
      description: 'Photos in, a live classifier out.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    tags: [...OWN_TAGS, ...FOREIGN_TAGS],
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description:
            'VERGER_TOKEN of the server, or what verger tokens create gave. A server that has neither answers everybody. ' +
            'What stands beside a route is the scope that the token needs.',
        },
      },
    },
  },
  // A schema that has a name is called by it, and not def-0.
  refResolver: {
    buildLocalReference: ({ $id }, _base, _fragment, index) =>
      typeof $id === 'string' ? $id : `def-${index}`,
  },
  transform: ({ schema, url, route }) => ({
    url,
    schema: { ...(schema as FastifySchema), security: securityOf(route.config ?? {}) },
  }),
}

/** The scope that a route needs; none for those that answer everybody (OpenAPI 3.1, Security Requirement Object). */
const securityOf = ({
  isOpen,
  scope = 'manage',
}: FastifyContextConfig): Record<string, string[]>[] =>
  isOpen === true ? [] : [{ token: [scope] }]
