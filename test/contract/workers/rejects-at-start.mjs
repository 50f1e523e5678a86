/** A worker whose handler is a promise that rejects, as when a network cannot be loaded. */
import { workerData } from 'piscina'

Atomics.add(new Int32Array(workerData.attempts), 0, 1)

export default Promise.reject(new Error('no network here'))
