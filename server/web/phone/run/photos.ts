/** The file as taken is the evidence: read once for its hash, never written. The small picture is for the screen only. */
import { sha256Hex } from '@shared/canonical'
import { uuidv7 } from '@shared/ids'
import { LIMITS } from '@shared/inspection'
import type { StoredFile } from '../engine/draft'

const PREVIEW_PX = 480

export type PhotoFault = 'photoTooBig' | 'photoType'

/** Makes what is kept of a file, or says what is wrong with it. */
export async function readPhoto(file: Blob, inspectionId: string, userId: string): Promise<StoredFile | PhotoFault> {
  if (file.size > LIMITS.evidenceBytes) return 'photoTooBig'
  const bytes = await file.arrayBuffer()
  const filetype = typeOf(new Uint8Array(bytes, 0, Math.min(16, bytes.byteLength)))
  if (!filetype) return 'photoType'
  // A copy of the bytes: a file picked from the album may vanish or change later, and then could not be read.
  const blob = new Blob([bytes], { type: filetype })
  const preview = await reduced(blob)
  return { id: uuidv7(), inspection_id: inspectionId, user_id: userId, blob, preview, sha256: await sha256Hex(bytes), filetype, bytes: bytes.byteLength }
}

/** By its first bytes; names and types that a browser gives are guesses. */
export function typeOf(head: Uint8Array): (typeof LIMITS.filetypes)[number] | null {
  const ascii = String.fromCharCode(...head)
  if (head[0] === 0xff && head[1] === 0xd8 && head[2] === 0xff) return 'image/jpeg'
  if (ascii.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png'
  if (ascii.startsWith('RIFF') && ascii.slice(8, 12) === 'WEBP') return 'image/webp'
  if (ascii.slice(4, 8) === 'ftyp') {
    const brand = ascii.slice(8, 12)
    if (['heic', 'heix', 'hevc', 'heim', 'heis'].includes(brand)) return 'image/heic'
    if (['mif1', 'msf1', 'heif'].includes(brand)) return 'image/heif'
  }
  return null
}

/** A small JPEG; null where the browser cannot read the picture (HEIC in most). */
async function reduced(blob: Blob): Promise<Blob | null> {
  try {
    const picture = await createImageBitmap(blob)
    const scale = Math.min(1, PREVIEW_PX / Math.max(picture.width, picture.height))
    const canvas = document.createElement('canvas')
    canvas.width = Math.max(1, Math.round(picture.width * scale))
    canvas.height = Math.max(1, Math.round(picture.height * scale))
    canvas.getContext('2d')?.drawImage(picture, 0, 0, canvas.width, canvas.height)
    picture.close()
    return await new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.7))
  } catch {
    return null
  }
}
