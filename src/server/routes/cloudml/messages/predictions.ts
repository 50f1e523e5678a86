/** Bodies that travel as they are. */
import { bytes, field, list, type Message, ML, map, one, text } from './message.ts'

export const PREDICTION_MESSAGES: Readonly<Record<string, Message>> = {
  [`${ML}PredictRequest`]: {
    about: 'The body of a prediction: {"instances": […], "signature_name": "…"}, sent as it is.',
    fields: { httpBody: one('GoogleApi__HttpBody', 'The same body, wrapped.') },
  },
  [`${ML}ExplainRequest`]: {
    about: 'The body of an explanation.',
    fields: { httpBody: one('GoogleApi__HttpBody', 'The same body, wrapped.') },
  },
  GoogleApi__HttpBody: {
    about: 'Any body.',
    fields: {
      contentType: text('Its content type.'),
      data: bytes('Its bytes.'),
      extensions: list(map(field('any', 'Never set.'))),
    },
  },
}
