/** The two ways in which a foreign model is refused. */
import { VergerError } from '../../../core/errors.ts'

/** The file is broken, or not what its format says. */
export function invalidModel(message: string, cause?: unknown): VergerError {
  return new VergerError('model_invalid', message, {
    hint: 'Download or export the file again and compare its checksum.',
    cause,
  })
}

/** The file is well-formed and holds something that cannot be run here. */
export function unsupportedModel(message: string, cause?: unknown): VergerError {
  return new VergerError('model_unsupported', message, {
    hint: 'docs/reference/formats.md lists what is read; export the classifier without this part.',
    cause,
  })
}
