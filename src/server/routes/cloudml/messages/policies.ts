/** Who may do what. */
import { ETAG, int32, list, type Message, one, text } from './message.ts'

export const POLICY_MESSAGES: Readonly<Record<string, Message>> = {
  GoogleIamV1__Policy: {
    about: 'Who may do what. Verger decides that by the scopes of its tokens.',
    fields: {
      version: int32('Form of the policy.'),
      bindings: list(one('GoogleIamV1__Binding', 'Roles and who has them.')),
      etag: ETAG,
    },
  },
  GoogleIamV1__Binding: {
    about: 'A role and who has it.',
    fields: { role: text('The role.'), members: list(text('Who has it.')) },
  },
  GoogleIamV1__SetIamPolicyRequest: {
    about: 'A policy that should hold from now on.',
    fields: {
      policy: one('GoogleIamV1__Policy', 'The policy.'),
      updateMask: text('Fields of it that change.'),
    },
  },
  GoogleIamV1__TestIamPermissionsRequest: {
    about: 'Permissions that the caller asks about.',
    fields: { permissions: list(text('Such as ml.models.get.')) },
  },
  GoogleIamV1__TestIamPermissionsResponse: {
    about: 'Those of them that the caller has.',
    fields: { permissions: list(text('Such as ml.models.get.')) },
  },
}
