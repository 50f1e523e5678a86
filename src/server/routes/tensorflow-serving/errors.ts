/** Errors as TensorFlow Serving and KServe v1 tell them: `{"error": text}` with the status of the server's own codes. */
import { type ErrorCode, VergerError } from '../../../core/errors.ts'
import type { FormatError } from '../../error-forms.ts'

/** INVALID_ARGUMENT, what it does not know to tell apart, and a model without versions, which it does not find. */
const STATUSES: Readonly<Partial<Record<ErrorCode, number>>> = {
  model_has_no_version: 404,
  route_unknown: 400,
}
const INVALID_ARGUMENT = 400

export const formatTensorflowError: FormatError = (error, status) => ({
  status: STATUSES[error.code] ?? ([409, 415, 422].includes(status) ? INVALID_ARGUMENT : status),
  body: { error: textOf(error) },
})

function textOf({ code, message, hint }: VergerError): string {
  if (code === 'route_unknown') return message.replace(/^Nothing answers/, 'Malformed request:')
  return hint === undefined ? message : `${message}. ${hint}`
}

/** Words that clients know stand before ours where a model or version is not there. */
export async function naming<Value>(text: string, find: () => Promise<Value>): Promise<Value> {
  try {
    return await find()
  } catch (error) {
    const codes: readonly ErrorCode[] = ['model_unknown', 'version_unknown', 'model_has_no_version']
    if (!(error instanceof VergerError) || !codes.includes(error.code)) throw error
    const { code, message, hint, details } = error
    throw new VergerError(code, `${text}: ${message}`, {
      ...(hint === undefined ? {} : { hint }),
      details,
      cause: error,
    })
  }
}
