// Reads one file after the other as its parent asks, and says what became of each. It may hang or die: that is the test.
import { VergerError } from '../../dist/core/errors.js'
import { encodeInferenceGraph } from '../../dist/features/inference-graph.js'
import { readForeign } from '../../dist/importing/read-foreign.js'

process.on('message', async (task) => {
  const before = process.cpuUsage()
  let code = 'read'
  let words = ''
  try {
    const { network, weights } = await readForeign(task)
    encodeInferenceGraph(network, weights)
  } catch (error) {
    code = error instanceof VergerError ? error.code : 'crash'
    words = error instanceof VergerError ? error.message : String(error?.stack ?? error)
  }
  const { user, system } = process.cpuUsage(before)
  const { maxRSS } = process.resourceUsage()
  process.send({ code, words, cpuMs: (user + system) / 1000, memoryBytes: maxRSS * 1024 })
})
process.send('ready')
