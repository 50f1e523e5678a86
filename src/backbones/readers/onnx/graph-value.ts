/** What a name in an ONNX graph stands for once its node has been read. */
import type { LayerId } from '../../../tensor/network.ts'

/** The result of a layer: a map `[n, c, h, w]`, `[n, h, w, c]` where channels come last, or a vector `[n, c]`. */
export interface LayerValue {
  readonly kind: 'layer'
  readonly id: LayerId
  readonly channelsLast: boolean
}

/** One channel of a map, `scale · x + offset`: how torchvision's Inception brings photos to another scaling. */
export interface ChannelValue {
  readonly kind: 'channel'
  readonly of: LayerId
  readonly channel: number
  readonly scale: number
  readonly offset: number
  /** Whether the axis of channels is there. */
  readonly isMap: boolean
}

/** `erf(x / √2)`, or `factor · (1 + erf(x / √2))`: parts of GELU. */
export interface BellValue {
  readonly kind: 'erf' | 'bell'
  readonly of: LayerId
  readonly factor: number
}

/** The length of a vector, which is then divided by it. */
export interface LengthValue {
  readonly kind: 'length'
  readonly of: LayerId
}

export type GraphValue = LayerValue | ChannelValue | BellValue | LengthValue
