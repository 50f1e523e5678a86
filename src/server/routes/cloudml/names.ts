/** Names on the wire: `projects/P/models/M/versions/V` in answers, bare in what is created. */
import type { VergerError } from '../../../core/errors.ts'
import { fieldError } from './cloud-error.ts'

/** Verger's own names may have `-` as well: such models are listed and answer, and are not created over this protocol. */
const CREATED_NAME = /^[A-Za-z][A-Za-z0-9_]{0,127}$/

export const modelName = (project: string, model: string): string =>
  `projects/${project}/models/${model}`

export const versionName = (project: string, model: string, version: string): string =>
  `${modelName(project, model)}/versions/${version}`

export const operationName = (project: string, operation: string): string =>
  `projects/${project}/operations/${operation}`

/** The name of what is to be created; its full name under `parent` is taken as well. */
export function requireCreatedName(
  kind: 'model' | 'version',
  given: unknown,
  parent: string,
): string {
  const field = `${kind}.name`
  if (typeof given !== 'string' || given === '') {
    throw fieldError(field, `A name is required, such as ${kind === 'model' ? 'fruits' : 'v1'}.`)
  }
  const prefix = `${parent}/${kind}s/`
  const name = given.startsWith(prefix) ? given.slice(prefix.length) : given
  if (!CREATED_NAME.test(name)) throw badName(field, name)
  return name
}

const badName = (field: string, name: string): VergerError =>
  fieldError(
    field,
    `Names start with a letter and have only letters, digits and underscores, at most 128; received ${JSON.stringify(name)}.`,
  )
