/** Formats that classifiers are exported to. */
export const EXPORT_FORMATS = ['saved-model', 'onnx'] as const
export type ExportFormat = (typeof EXPORT_FORMATS)[number]
