/** What stands in front of a JPEG's pixels, read without decoding (ITU-T T.81, annex B; EXIF 2.3, section 4.6). */

export interface JpegHeader {
  readonly width: number
  readonly height: number
  /** 1 grey, 3 colour, 4 CMYK. */
  readonly components: number
  /** EXIF orientation, 1 to 8; 1 where none is given. */
  readonly orientation: number
  /** Whether the end-of-image marker follows the last scan. */
  readonly isComplete: boolean
}

const MARKER = { start: 0xd8, end: 0xd9, scan: 0xda, app1: 0xe1 } as const

/** Reads the header, or gives undefined where the bytes do not follow the format. */
export function parseJpegHeader(bytes: Uint8Array): JpegHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let frame: Pick<JpegHeader, 'width' | 'height' | 'components'> | undefined
  let orientation = 1
  let at = 2
  while (at + 4 <= bytes.length) {
    if (bytes[at] !== 0xff) return undefined
    const marker = bytes[at + 1]!
    if (marker === 0xff) {
      at++ // fill byte
      continue
    }
    if (marker === MARKER.end) break
    const length = view.getUint16(at + 2)
    if (length < 2 || at + 2 + length > bytes.length) return undefined
    const body = at + 4
    if (isFrame(marker)) {
      if (length < 8) return undefined
      frame = {
        height: view.getUint16(body + 1),
        width: view.getUint16(body + 3),
        components: bytes[body + 5]!,
      }
    } else if (marker === MARKER.app1) {
      orientation = exifOrientation(bytes.subarray(body, at + 2 + length)) ?? orientation
    } else if (marker === MARKER.scan) {
      if (frame === undefined) return undefined
      return { ...frame, orientation, isComplete: endsAfterScans(bytes, at + 2 + length) }
    }
    at += 2 + length
  }
  return undefined
}

/** SOF0 to SOF15 without DHT (c4), JPG (c8) and DAC (cc). */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
}

/** Follows entropy-coded data and the segments between scans to the end-of-image marker. */
function endsAfterScans(bytes: Uint8Array, offset: number): boolean {
  let at = offset
  for (;;) {
    at = bytes.indexOf(0xff, at)
    if (at < 0 || at + 1 >= bytes.length) return false
    const marker = bytes[at + 1]!
    if (marker === MARKER.end) return true
    const isData = marker === 0x00 || (marker >= 0xd0 && marker <= 0xd7)
    if (isData) at += 2
    else if (marker === 0xff) at += 1
    else at += 2 + ((bytes[at + 2] ?? 0) << 8) + (bytes[at + 3] ?? 0)
  }
}

function exifOrientation(segment: Uint8Array): number | undefined {
  if (String.fromCharCode(...segment.subarray(0, 6)) !== 'Exif\0\0') return undefined
  const tiff = new DataView(segment.buffer, segment.byteOffset + 6, segment.byteLength - 6)
  if (tiff.byteLength < 8) return undefined
  const little = tiff.getUint16(0) === 0x4949
  const directory = tiff.getUint32(4, little)
  if (directory + 2 > tiff.byteLength) return undefined
  const entries = tiff.getUint16(directory, little)
  for (let entry = 0; entry < entries; entry++) {
    const at = directory + 2 + 12 * entry
    if (at + 12 > tiff.byteLength) return undefined
    if (tiff.getUint16(at, little) !== 0x0112) continue
    const value = tiff.getUint16(at + 8, little)
    return value >= 1 && value <= 8 ? value : undefined
  }
  return undefined
}
