/** Uploaded files and their buckets as Cloud Storage describes them. */
import type { FastifyRequest } from 'fastify'
import type { StagedObject } from '../../../registry/staged-objects.ts'

export function describeObject(object: StagedObject, origin: string): object {
  const { bucket, name, sizeBytes, contentType, md5, putAt } = object
  const generation = String(Date.parse(putAt) * 1000)
  const path = `storage/v1/b/${bucket}/o/${encodeURIComponent(name)}`
  return {
    kind: 'storage#object',
    id: `${bucket}/${name}/${generation}`,
    selfLink: `${origin}/${path}`,
    mediaLink: `${origin}/download/${path}?alt=media`,
    bucket,
    name,
    generation,
    metageneration: '1',
    contentType,
    storageClass: 'STANDARD',
    size: String(sizeBytes),
    md5Hash: md5,
    etag: md5,
    timeCreated: putAt,
    updated: putAt,
  }
}

export const describeBucket = (name: string): object => ({
  kind: 'storage#bucket',
  id: name,
  name,
  location: 'US-CENTRAL1',
  locationType: 'region',
  storageClass: 'STANDARD',
  metageneration: '1',
  etag: 'CAE=',
})

/** What `gcloud storage` asks before it copies a folder. */
export const describeLayout = (bucket: string): object => ({
  kind: 'storage#storageLayout',
  bucket,
  location: 'US-CENTRAL1',
  locationType: 'region',
  hierarchicalNamespace: { enabled: false },
})

/** Where the client reached this server. */
export const originOf = ({ protocol, host }: FastifyRequest): string => `${protocol}://${host}`
