/** Where Verger runs, and as whom. */
import {
  ACCELERATORS,
  choice,
  int64,
  list,
  listOf,
  type Message,
  ML,
  one,
  text,
} from './message.ts'

export const PLACE_MESSAGES: Readonly<Record<string, Message>> = {
  [`${ML}GetConfigResponse`]: {
    about: 'Who the service is to other services. Verger has no account of its own.',
    fields: {
      serviceAccount: text('Never set.'),
      serviceAccountProject: int64('Never set.'),
      config: one(`${ML}Config`, 'Never set.'),
    },
  },
  [`${ML}Config`]: {
    about: 'Settings of a project.',
    fields: { tpuServiceAccount: text('Never set.') },
  },
  [`${ML}Location`]: {
    about: 'A place that predictions come from.',
    fields: {
      name: text('projects/P/locations/L.'),
      capabilities: list(one(`${ML}Capability`, 'What can be done there.')),
    },
  },
  [`${ML}Capability`]: {
    about: 'Something that can be done in a place.',
    fields: {
      type: choice(
        ['TYPE_UNSPECIFIED', 'TRAINING', 'BATCH_PREDICTION', 'ONLINE_PREDICTION'],
        'What.',
      ),
      availableAccelerators: list(choice(ACCELERATORS, 'With what.')),
    },
  },
  [`${ML}ListLocationsResponse`]: listOf('locations', `${ML}Location`),
}
