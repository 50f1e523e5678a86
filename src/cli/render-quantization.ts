/** What was measured of a network in 8 bit. */
import type { QuantizationFigures } from '../features/quantize-backbone.ts'
import { plural } from './render.ts'

/** A line of figures, and why float32 stays where it does. */
export function renderQuantization(
  { photos, meanCosine, worstCosine, speedUp }: QuantizationFigures,
  refusal: string | undefined,
): string {
  const measured = `8 bit on ${plural(photos, 'photo')}: cosine of features ${meanCosine.toFixed(3)} in the mean, ${worstCosine.toFixed(3)} at worst; ${speedUp.toFixed(2)} times as fast\n`
  return refusal === undefined ? measured : `${measured}  float32 stays: ${refusal}\n`
}
