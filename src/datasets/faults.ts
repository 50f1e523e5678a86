/** An error that names everything that is wrong with a file, not only the first. */
import { VergerError } from '../core/errors.ts'

/** Faults that the message itself names; `details.faults` has all. */
const MOST_NAMED = 10

/** `dataset_invalid` whose message starts with `expected` and lists the faults. */
export function faultsError(
  expected: string,
  faults: readonly string[],
  { hint }: { readonly hint: string },
): VergerError {
  const named = faults.slice(0, MOST_NAMED).join('; ')
  const more = faults.length > MOST_NAMED ? `; and ${faults.length - MOST_NAMED} more` : ''
  return new VergerError('dataset_invalid', `${expected}: ${named}${more}`, {
    hint,
    details: { faults },
  })
}
