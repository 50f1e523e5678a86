/** `ModelStreamInfer`: requests and answers on one call, as long as the client keeps it open. */
import type { handleBidiStreamingCall, StatusObject } from '@grpc/grpc-js'
import { toVergerError } from '../../core/errors.ts'
import { textOfError } from '../open-inference/errors.ts'
import type { InferenceService } from '../open-inference/service.ts'
import type { Answering } from './answer-calls.ts'
import type { Received } from './define-service.ts'
import type { ModelInferRequest } from './generated/inference_pb.ts'
import { infer } from './inference-service.ts'
import { statusOfError } from './status-codes.ts'

/** Messages of one stream that are answered at once; further ones are not read before. */
const IN_FLIGHT = 16

/**
 * Answers in the order of the requests; the error of one is told in its place and does not end the stream, but a message
 * that is no request does, and `closing`, after what is being answered.
 */
export const streamInfer =
  (
    { answer }: Pick<Answering, 'answer'>,
    service: InferenceService,
    closing: AbortSignal,
  ): handleBidiStreamingCall<Received, unknown> =>
  (call) => {
    let inFlight = 0
    let isOver = false
    let written = Promise.resolve()

    function end(failure?: StatusObject): void {
      if (isOver) return
      isOver = true
      closing.removeEventListener('abort', onClosing)
      void written.then(() => {
        if (call.cancelled) return
        if (failure === undefined) call.end()
        else call.emit('error', failure)
      })
    }
    const onClosing = () => {
      call.pause()
      end(statusOfError(toVergerError(closing.reason), 0))
    }
    if (closing.aborted) onClosing()
    closing.addEventListener('abort', onClosing, { once: true })

    call.on('data', (received: Received) => {
      if (isOver) return
      if (++inFlight >= IN_FLIGHT) call.pause()
      const answered = answer(call, received, async (message, context) => {
        const request = message as ModelInferRequest
        try {
          return { inferResponse: await infer(service, request, context) }
        } catch (error) {
          const { id, modelName } = request
          const errorMessage = textOfError(toVergerError(error))
          return { errorMessage, inferResponse: { id, modelName } }
        }
      })
      written = written.then(async () => {
        const outcome = await answered
        if ('failure' in outcome) end(outcome.failure)
        else if (!call.cancelled) call.write(outcome.value)
        inFlight--
        if (!isOver) call.resume()
      })
    })
    call.on('end', () => end())
    call.on('cancelled', () => {
      isOver = true
      closing.removeEventListener('abort', onClosing)
    })
  }
