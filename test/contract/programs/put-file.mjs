/** Puts a file into a bucket as a blob: `put-file.mjs s3|gs BUCKET PREFIX FILE`. */
import { openBucket } from '../../../dist/buckets/open-bucket.js'
import { createBucketBlobStore } from '../../../dist/store/bucket-blob-store.js'

const [scheme, bucket, prefix, file] = process.argv.slice(2)
console.log(await createBucketBlobStore(await openBucket({ scheme, bucket }), prefix).putFile(file))
