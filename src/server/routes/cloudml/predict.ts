import { ERROR_CATALOGUE, isAboutPhoto } from '../../../core/errors.ts'
import { answerAll } from '../../answer-all.ts'
import type { FormatError } from '../../error-forms.ts'
import { fieldError, formatCloudError, unimplemented } from './cloud-error.ts'
import type { CloudHandler, CloudParams } from './cloud-request.ts'
import { parseInstances } from './instances.ts'
import { toCloudPrediction } from './predictions.ts'

/** Throws `request_invalid` for the name of a whole project. */
function requireModelName(params: CloudParams): CloudParams {
  if (params.model !== '') return params
  const models = `projects/${params.project}/models/MODEL`
  throw fieldError('name', `Expected ${models} or ${models}/versions/VERSION.`)
}

/** `:predict` of a model, whose default answers, or of a version. All instances are answered, or none. */
export const predict: CloudHandler = async ({ params, body, reply }, services) => {
  const { model, version } = requireModelName(params)
  const { photos, keys } = parseInstances(body)
  const asked = { model, version: version === '' ? undefined : version }
  const answers = await answerAll(reply, photos, asked, services)
  return {
    predictions: answers.map((answer, index) => toCloudPrediction(answer, keys[index])),
  }
}

/** A classifier with a linear head could be explained; nobody has asked yet. */
export const explain: CloudHandler = async ({ params }, { home }) => {
  const { model } = requireModelName(params)
  await (await home.require(model)).registry.getModel(model)
  throw unimplemented(
    'Explanations are not offered: :predict names the classes and how sure it is of each',
  )
}

/** What is wrong with the instances is told as the model server told it: one text, without a code. */
export const formatPredictError: FormatError = (error, status) => {
  const { code, message, hint } = error
  const isAboutInstances =
    ['request_invalid', 'no_photo', 'too_many_parts'].includes(code) ||
    (isAboutPhoto(error) && ERROR_CATALOGUE[code].status < 500)
  if (!isAboutInstances) return formatCloudError(error, status)
  const text = hint === undefined ? message : `${message}. ${hint}`
  return { status: 400, body: { error: `Prediction failed: ${text}` } }
}
