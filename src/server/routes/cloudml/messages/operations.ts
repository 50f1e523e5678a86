/** Work that takes time. */
import {
  choice,
  EMPTY,
  field,
  flag,
  int32,
  int64,
  LABELS,
  list,
  listOf,
  type Message,
  ML,
  map,
  one,
  text,
  time,
} from './message.ts'

export const OPERATION_MESSAGES: Readonly<Record<string, Message>> = {
  [`${ML}OperationMetadata`]: {
    about: 'What an operation does to what.',
    fields: {
      createTime: time('When it was asked for.'),
      startTime: time('When it began.'),
      endTime: time('When it ended.'),
      isCancellationRequested: flag('Whether somebody asked for its end.'),
      operationType: choice(
        [
          'OPERATION_TYPE_UNSPECIFIED',
          'CREATE_VERSION',
          'DELETE_VERSION',
          'DELETE_MODEL',
          'UPDATE_MODEL',
          'UPDATE_VERSION',
          'UPDATE_CONFIG',
        ],
        'What it does.',
      ),
      modelName: text('projects/P/models/M.'),
      version: one(`${ML}Version`, 'The version that was asked for.'),
      labels: LABELS,
      projectNumber: int64('The project, where it was named by its number.'),
    },
  },
  GoogleLongrunning__ListOperationsResponse: listOf('operations', 'GoogleLongrunning__Operation'),
  GoogleLongrunning__Operation: {
    about: 'Something that takes time; done once it has a response or an error.',
    fields: {
      name: text('projects/P/operations/ID.'),
      metadata: map(field('any', `With @type, as ${ML}OperationMetadata.`)),
      done: flag('Whether it has ended.'),
      error: one('GoogleRpc__Status', 'Why it failed.'),
      response: map(field('any', 'With @type, what came of it.')),
    },
  },
  GoogleRpc__Status: {
    about: 'An error.',
    fields: {
      code: int32('Its number in google.rpc.Code.'),
      message: text('What is wrong.'),
      details: list(map(field('any', 'With @type, more about it.'))),
    },
  },
  GoogleProtobuf__Empty: EMPTY,
}
