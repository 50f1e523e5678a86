/**
 * Schemas of routes, compiled when the first request needs them: there are hundreds, and a start should wait for none.
 */
import { createRequire } from 'node:module'
import type {
  FastifyInstance,
  FastifySchema,
  FastifySchemaCompiler,
  FastifyServerOptions,
} from 'fastify'

type SchemaController = NonNullable<FastifyServerOptions['schemaController']>
type Validate = ReturnType<FastifySchemaCompiler<FastifySchema>>
type Build<Compile> = (schemas: unknown, options: unknown) => Compile
type BuildValidator = Build<FastifySchemaCompiler<FastifySchema>>
type BuildSerializer = Build<Parameters<FastifyInstance['setSerializerCompiler']>[0]>

/** Fastify wants functions that answer at once: nothing can be imported in between. */
const require = createRequire(import.meta.url)

/** Fastify's own compilers, loaded and run for the first request that needs them. */
export function lazySchemas(): SchemaController {
  const validators = once((): BuildValidator => require('@fastify/ajv-compiler')())
  const serializers = once(
    (): BuildSerializer => require('@fastify/fast-json-stringify-compiler')(),
  )
  const buildValidator: BuildValidator = (schemas, options) => {
    const compile = once(() => validators()(schemas, options))
    return (route) => lazyValidator(once(() => compile()(route)))
  }
  const buildSerializer: BuildSerializer = (schemas, options) => {
    const compile = once(() => serializers()(schemas, options))
    return (route) => {
      const compiled = once(() => compile()(route))
      return (value) => compiled()(value)
    }
  }
  // The types of Fastify promise functions with all that Ajv hangs on to them, of which it uses what these have.
  return { compilersFactory: { buildValidator, buildSerializer } } as unknown as SchemaController
}

/** Tells faults where Ajv does, in a property of the function. */
function lazyValidator(compiled: () => Validate): Validate {
  const validate: Validate = (value) => {
    const isValid = compiled()(value)
    validate.errors = compiled().errors ?? null
    return isValid
  }
  return validate
}

function once<Value extends object>(make: () => Value): () => Value {
  let made: Value | undefined
  return () => {
    made ??= make()
    return made
  }
}
