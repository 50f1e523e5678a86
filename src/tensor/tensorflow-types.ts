/** The element types of TensorFlow's tensors that Verger meets, by the numbers of its enumeration DataType (types.proto). */
export const DATA_TYPES = {
  float: 1,
  double: 2,
  int32: 3,
  uint8: 4,
  int16: 5,
  int8: 6,
  string: 7,
  int64: 9,
  bool: 10,
  bfloat16: 14,
  half: 19,
  resource: 20,
  variant: 21,
} as const
