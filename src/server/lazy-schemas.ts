/**
 * Schemas of routes, compiled when the first request needs them: there are hundreds, and together they would take as long
 * as all the rest of a start.
 */
import { createRequire } from 'node:module'
import type { FastifyInstance, FastifySchema, FastifySchemaCompiler } from 'fastify'

type Validate = ReturnType<FastifySchemaCompiler<FastifySchema>>
type CompileValidator = FastifySchemaCompiler<FastifySchema>
type CompileSerializer = Parameters<FastifyInstance['setSerializerCompiler']>[0]

/** Fastify wants functions that answer at once: nothing can be imported in between. */
const require = createRequire(import.meta.url)

const AJV_OPTIONS = { removeAdditional: false, coerceTypes: false, verbose: true }

/** Gives an application Fastify's own compilers, which see the schemas that it has when the first of its own is wanted. */
export function compileLazily(app: FastifyInstance): void {
  const compileValidator = once((): CompileValidator => {
    const createCompiler = require('@fastify/ajv-compiler')
    return createCompiler()(app.getSchemas(), { customOptions: AJV_OPTIONS })
  })
  const compileSerializer = once((): CompileSerializer => {
    const createCompiler = require('@fastify/fast-json-stringify-compiler')
    return createCompiler()(app.getSchemas(), {})
  })
  app.setValidatorCompiler((route) => {
    const compiled = once(() => compileValidator()(route))
    // The faults of Ajv stand beside its answer, as a property of the function.
    const validate: Validate = (value) => {
      const isValid = compiled()(value)
      validate.errors = compiled().errors ?? null
      return isValid
    }
    return validate
  })
  app.setSerializerCompiler((route) => {
    const compiled = once(() => compileSerializer()(route))
    return (value) => compiled()(value)
  })
}

function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
