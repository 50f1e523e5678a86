/** A file that arrives in parts: how much of it is here is said with status 308. */
import type { FastifyReply } from 'fastify'
import { VergerError } from '../../../core/errors.ts'
import {
  addPart,
  getUpload,
  putStaged,
  removeUpload,
  type StagedObject,
  type StagedUpload,
} from '../../../registry/staged-objects.ts'
import type { Store } from '../../../store/store.ts'
import { receiveFile } from './incoming.ts'
import { drain, piecesOf } from './read-body.ts'
import { describeObject, originOf } from './storage-resources.ts'
import type { UploadRequest } from './upload-routes.ts'

/** `bytes 0-99/200`, `bytes 0-99/*` while the size is not known, and `bytes * /200` to ask how far it is. */
const RANGE = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/

export async function continueUpload(
  request: UploadRequest,
  reply: FastifyReply,
  store: Store,
  home: string,
): Promise<unknown> {
  const upload = await getUpload(store, request.query.upload_id ?? '')
  const header = request.headers['content-range']
  const [range, first, , size] = RANGE.exec(header ?? '') ?? []
  if (header !== undefined && range === undefined) {
    throw new VergerError(
      'request_invalid',
      `Expected Content-Range: bytes FIRST-LAST/SIZE, received ${header}`,
    )
  }
  const heldBytes = sizeOf(upload)
  const end = async (object: StagedObject) => {
    await removeUpload(store, upload.id)
    return describeObject(object, originOf(request))
  }
  if (header !== undefined && first === undefined) {
    await drain(request.body)
    const isWhole = size !== undefined && Number(size) === heldBytes
    return isWhole ? end(await assemble(store, upload, home)) : sayHeld(reply, heldBytes)
  }
  if (Number(first ?? 0) !== heldBytes) {
    // Parts that came already, or that leave a gap: the answer says where to go on.
    await drain(request.body)
    return sayHeld(reply, heldBytes)
  }
  return receiveFile(piecesOf(request.body), home, async (file) => {
    const grown = file.sizeBytes === 0 ? upload : await addPart(store, upload, file)
    const held = sizeOf(grown)
    const isLast = header === undefined || (size !== '*' && Number(size) === held)
    if (!isLast) return sayHeld(reply, held)
    const isOnlyPart = upload.parts.length === 0
    return end(
      isOnlyPart ? await putStaged(store, upload, file) : await assemble(store, grown, home),
    )
  })
}

/** 308 tells an upload that goes on how much of it is here (RFC 9110 knows it as Permanent Redirect). */
function sayHeld(reply: FastifyReply, heldBytes: number): FastifyReply {
  if (heldBytes > 0) void reply.header('range', `bytes=0-${heldBytes - 1}`)
  return reply.code(308).send()
}

const sizeOf = ({ parts }: StagedUpload): number =>
  parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)

/** Makes one file of the parts. */
async function assemble(store: Store, upload: StagedUpload, home: string): Promise<StagedObject> {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (const { sha256 } of upload.parts) yield* store.blobs.openRead(sha256)
  }
  return receiveFile(pieces(), home, (file) => putStaged(store, upload, file))
}
