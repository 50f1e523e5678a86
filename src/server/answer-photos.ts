/** Photos of a request → answers: the one way from every protocol to the serving host. */
import type { FastifyReply } from 'fastify'
import { VergerError } from '../core/errors.ts'
import {
  type Answer,
  type Answerer,
  answerOrFail,
  type FailedPrediction,
} from '../serving/answer.ts'
import type { NamedPhoto } from './multipart.ts'
import type { RouteOptions } from './route-options.ts'
import { limitTime, orAborted } from './time-limit.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who answered its photos: for its log line. */
    answerer?: Answerer
  }
}

export interface Asked {
  /** Without one, the backbone of the host answers with its own classes. */
  readonly model?: string | undefined
  /** Without one, the default of the model answers. */
  readonly version?: string | undefined
}

/**
 * Answers photos in their order, within the time that a request may take, as long as its caller is there: one that hears
 * the reply of an HTTP request, or one that aborts the signal. Among several photos a bad one is a finding in its place; the error of a single
 * photo rejects, as does any error that is not about a photo, and `overloaded` where the queue has no room for all.
 */
export async function answerPhotos(
  caller: FastifyReply | AbortSignal,
  photos: readonly NamedPhoto[],
  { model, version }: Asked,
  {
    host,
    config: { limits },
    metrics,
    tracer,
  }: Pick<RouteOptions, 'host' | 'config' | 'metrics' | 'tracer'>,
): Promise<readonly (Answer | FailedPrediction)[]> {
  metrics.photosPerRequest.observe(photos.length)
  const request = tracer?.find(caller)
  const { signal, settle, abandon } = limitTime(caller, limits.deadlineMs)
  try {
    // All photos of a request are answered by one version, whatever is switched meanwhile.
    const answering = await orAborted(host.choose(model, version), signal)
    if ('request' in caller) caller.request.answerer = answering.answerer
    answering.admit(photos.length)
    const answerOne = async ({ source, read }: NamedPhoto) => {
      const traced = request?.beginPhoto()
      if (traced === undefined) {
        return answering.answer({ source, photo: await read(signal), signal })
      }
      return traced.follow(
        () => read(signal),
        (photo, onStage) => answering.answer({ source, photo, signal, onStage }),
      )
    }
    const [only] = photos
    const answers =
      only !== undefined && photos.length === 1
        ? [await answerOne(only)]
        : await Promise.all(
            photos.map((photo) => answerOrFail(photo.source, () => answerOne(photo))),
          )
    for (const each of answers) {
      metrics.photos.inc({ result: 'error' in each ? each.error.code : 'ok' })
    }
    settle()
    return answers
  } catch (error) {
    abandon()
    metrics.photos.inc({ result: error instanceof VergerError ? error.code : 'internal' })
    throw error
  }
}
