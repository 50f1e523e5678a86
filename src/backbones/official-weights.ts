/** Weights that the makers of an architecture publish, and where. */

export interface OfficialWeights {
  /** Id of the backbone, which is the name of its architecture. */
  readonly id: string
  readonly title: string
  /** Path below `Config.weightsUrl`. */
  readonly path: string
  /** As published; nothing where the publisher states no checksum. */
  readonly md5?: string
  /** Size of the file; it is about this large, and never compared. */
  readonly aboutBytes: number
  readonly features: number
  readonly licence: string
}

/**
 * Files and checksums: keras/src/applications/inception_v3.py and mobilenet_v2.py. The project states an MD5 for the
 * first, and none for the second.
 */
export const OFFICIAL_WEIGHTS: readonly OfficialWeights[] = [
  {
    id: 'inception-v3',
    title: 'InceptionV3, trained on ImageNet (Keras)',
    path: 'inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels.h5',
    md5: '9a0d58056eeedaa3f26cb7ebd46da564',
    aboutBytes: 96_112_376,
    features: 2048,
    licence: 'Apache-2.0',
  },
  {
    id: 'mobilenet-v2',
    title: 'MobileNetV2 of width 1.0, trained on ImageNet (Keras)',
    path: 'mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5',
    aboutBytes: 14_536_120,
    features: 1280,
    licence: 'Apache-2.0',
  },
]
