/** What protocols without a place for an error beside answers give: the answers of all photos, or one error. */
import type { FastifyReply } from 'fastify'
import { type ErrorDescription, isAboutPhoto, VergerError } from '../core/errors.ts'
import type { Answer } from '../serving/answer.ts'
import { type Asked, answerPhotos } from './answer-photos.ts'
import type { NamedPhoto } from './multipart.ts'
import type { RouteOptions } from './route-options.ts'

/** Answers photos in their order. Rejects with the error of the first one that has one; its message names the photo. */
export async function answerAll(
  caller: FastifyReply | AbortSignal,
  photos: readonly NamedPhoto[],
  asked: Asked,
  options: RouteOptions,
): Promise<readonly Answer[]> {
  const { requestPhotos } = options.config.limits
  if (photos.length > requestPhotos) {
    throw new VergerError(
      'too_many_parts',
      `Expected at most ${requestPhotos} photos in one request, received ${photos.length}`,
      { hint: 'Send several requests, or raise VERGER_MAX_REQUEST_PHOTOS.' },
    )
  }
  const [only] = photos
  const placed = (
    { code, message, hint }: Pick<VergerError, 'code' | 'message' | 'hint'> | ErrorDescription,
    source: string,
    cause?: unknown,
  ) =>
    new VergerError(code, message.includes(source) ? message : `${source}: ${message}`, {
      ...(hint === undefined ? {} : { hint }),
      ...(cause === undefined ? {} : { cause }),
    })
  try {
    const answers = await answerPhotos(caller, photos, asked, options)
    return answers.map((answer) => {
      if ('error' in answer) throw placed(answer.error, answer.source)
      return answer
    })
  } catch (error) {
    const isOfPhoto = error instanceof VergerError && isAboutPhoto(error)
    throw isOfPhoto && only !== undefined && photos.length === 1
      ? placed(error, only.source, error)
      : error
  }
}
