/** JSON Schemas that several routes share. */
import { ERROR_CATALOGUE, type ErrorCode } from '../../core/errors.ts'

export const ERROR_SCHEMA = {
  type: 'object',
  properties: {
    error: {
      type: 'object',
      properties: {
        code: { type: 'string', description: 'Stable; listed in docs/reference/errors.md' },
        message: { type: 'string', description: 'What was expected and what was received' },
        hint: { type: 'string', description: 'What to do' },
      },
      required: ['code', 'message'],
    },
  },
} as const

/** Codes that any route may answer with. */
const COMMON_CODES: readonly ErrorCode[] = [
  'request_invalid',
  'unauthorized',
  'forbidden',
  'request_timeout',
  'internal',
  'registry_busy',
  'server_closing',
]

/** The responses of a route beside its good one: a status with the codes that it stands for. */
export function describeFailures(codes: readonly ErrorCode[]): Record<string, object> {
  const byStatus = new Map<number, ErrorCode[]>()
  for (const code of [...COMMON_CODES, ...codes].toSorted()) {
    const { status } = ERROR_CATALOGUE[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return Object.fromEntries(
    [...byStatus].map(([status, names]) => [
      status,
      { description: names.join(', '), ...ERROR_SCHEMA },
    ]),
  )
}
