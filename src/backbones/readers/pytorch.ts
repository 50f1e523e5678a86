import type { FloatTensor } from '../../tensor/tensor.ts'
import { withFile } from './byte-source.ts'
import { readPyTorchLegacy } from './pytorch-legacy.ts'
import { readPyTorchZip } from './pytorch-zip.ts'

const ZIP_SIGNATURE = 'PK\x03\x04'

/**
 * Reads the float tensors of a PyTorch state dict, or of the checkpoint around one, in either layout of `torch.save`.
 * Only what is asked for is read from the file. Throws `model_invalid` or `model_unsupported`.
 */
export function readPyTorch(path: string): Promise<Map<string, FloatTensor>> {
  return withFile(path, (source) => {
    const signature = Buffer.from(source.read(0, Math.min(4, source.sizeBytes))).toString('latin1')
    return signature === ZIP_SIGNATURE ? readPyTorchZip(path, source) : readPyTorchLegacy(source)
  })
}
