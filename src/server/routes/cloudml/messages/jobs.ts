/** Jobs. */
import {
  choice,
  EMPTY,
  ETAG,
  field,
  LABELS,
  listOf,
  type Message,
  ML,
  output,
  text,
  time,
} from './message.ts'

export const JOB_MESSAGES: Readonly<Record<string, Message>> = {
  [`${ML}Job`]: {
    about: 'An operation in the form of a job, for clients that follow jobs.',
    fields: {
      jobId: text('Its name.'),
      trainingInput: field('any', 'What to train.'),
      predictionInput: field('any', 'What to predict.'),
      labels: LABELS,
      etag: ETAG,
      createTime: output(time('When it was submitted.')),
      startTime: output(time('When it began.')),
      endTime: output(time('When it ended.')),
      state: output(
        choice(
          [
            'STATE_UNSPECIFIED',
            'QUEUED',
            'PREPARING',
            'RUNNING',
            'SUCCEEDED',
            'FAILED',
            'CANCELLING',
            'CANCELLED',
          ],
          'How far it is.',
        ),
      ),
      errorMessage: output(text('Why it failed.')),
    },
  },
  [`${ML}CancelJobRequest`]: EMPTY,
  [`${ML}ListJobsResponse`]: listOf('jobs', `${ML}Job`),
}
