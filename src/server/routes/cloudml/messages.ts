/**
 * The messages of CloudML v1 as data: what `parseMessage` takes, and what the discovery document describes.
 *
 * Names of messages and fields are those of the service's own discovery document (revision 20251213), since generated
 * clients know them by these names. A field that a caller cannot set is marked `isOutput`.
 */

import { JOB_MESSAGES } from './messages/jobs.ts'
import type { Message } from './messages/message.ts'
import { OPERATION_MESSAGES } from './messages/operations.ts'
import { PLACE_MESSAGES } from './messages/places.ts'
import { POLICY_MESSAGES } from './messages/policies.ts'
import { PREDICTION_MESSAGES } from './messages/predictions.ts'
import { VERSION_MESSAGES } from './messages/versions.ts'

export const MESSAGES: Readonly<Record<string, Message>> = {
  ...VERSION_MESSAGES,
  ...JOB_MESSAGES,
  ...PREDICTION_MESSAGES,
  ...PLACE_MESSAGES,
  ...OPERATION_MESSAGES,
  ...POLICY_MESSAGES,
}

/** Message of a table that names only messages it has. */
export function messageOf(name: string): Message {
  const message = MESSAGES[name]
  if (message === undefined) throw new Error(`No message ${name}`)
  return message
}
