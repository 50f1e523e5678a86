/** A worker that cannot start. It counts its attempts in the shared memory that it is given. */
import { workerData } from 'piscina'

Atomics.add(new Int32Array(workerData.attempts), 0, 1)
throw new Error('no native library here')
