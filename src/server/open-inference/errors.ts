/** An error as the one text that the protocol has for it. */
import type { VergerError } from '../../core/errors.ts'
import type { FormatError } from '../error-forms.ts'

export const textOfError = ({ message, hint }: VergerError): string =>
  hint === undefined ? message : `${message}. ${hint}`

export const formatInferenceError: FormatError = (error) => ({
  body: { error: textOfError(error) },
})
