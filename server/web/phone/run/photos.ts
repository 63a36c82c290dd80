/**
 * The file as taken is the evidence: read once for its hash, never written. Where it is large, or nothing a desk can show, a reduced copy
 * is made that goes first and names it. The small picture is for the screen only.
 */
import { sha256Hex } from '@shared/canonical'
import { uuidv7 } from '@shared/ids'
import { LIMITS } from '@shared/inspection'
import type { StoredFile } from '../engine/draft'

const PREVIEW_PX = 480
/** Longest edge of reduced copies and of everything else that is made from a photo. */
export const REDUCED_PX = 1600
const REDUCED_QUALITY = 0.8
/** A file no larger goes as it is: a copy of it would save nothing. */
const SMALL_BYTES = 300 * 1024

export type PhotoFault = 'photoTooBig' | 'photoType'

/** A picture in memory, upright. It takes four bytes a pixel until it is closed. */
export interface Decoded { source: CanvasImageSource; width: number; height: number; close(): void }

/**
 * The pictures of an answer as they are handed in. Each gets an id of its own with each answer: one that was refused and is given anew is
 * another file.
 */
export async function handedIn(pictures: { id: string; blob: Blob }[], of: string, userId: string): Promise<StoredFile[]> {
  const files: StoredFile[] = []
  for (const { id, blob } of pictures) {
    const stored = await readPhoto(new File([blob], id, { type: blob.type }), of, userId)
    if (typeof stored !== 'string') files.push(stored)
  }
  return files
}

/** Makes what is kept of a file, or says what is wrong with it. */
export async function readPhoto(file: Blob, inspectionId: string, userId: string): Promise<StoredFile | PhotoFault> {
  const read = await readBoth(file, inspectionId, userId)
  return typeof read === 'string' ? read : read.taken
}

/** The same with the reduced copy, where one is worth it and this browser can make it. */
export async function readBoth(file: Blob, inspectionId: string, userId: string): Promise<{ taken: StoredFile; reduced: StoredFile | null } | PhotoFault> {
  if (file.size > LIMITS.evidenceBytes) return 'photoTooBig'
  const bytes = await file.arrayBuffer()
  const filetype = typeOf(new Uint8Array(bytes, 0, Math.min(16, bytes.byteLength)))
  if (!filetype) return 'photoType'
  // A copy of the bytes: a file picked from the album may vanish or change later, and then could not be read.
  const blob = new Blob([bytes], { type: filetype })
  const picture = await decode(blob)
  const preview = picture && (await jpegOf(picture, PREVIEW_PX, 0.7))
  const taken: StoredFile = { id: uuidv7(), inspection_id: inspectionId, user_id: userId, blob, preview, sha256: await sha256Hex(bytes), filetype, bytes: bytes.byteLength }
  const shown = filetype !== 'image/heic' && filetype !== 'image/heif'
  const copy = picture && (!shown || bytes.byteLength > SMALL_BYTES) ? await jpegOf(picture, REDUCED_PX, REDUCED_QUALITY) : null
  picture?.close()
  const worth = copy && (!shown || copy.size < bytes.byteLength) ? copy : null
  return { taken, reduced: worth && (await made(taken, worth, preview)) }
}

/** What is kept of a picture that was made from a file as taken. */
export async function made(taken: StoredFile, blob: Blob, preview: Blob | null): Promise<StoredFile> {
  const { inspection_id, user_id } = taken
  return { id: uuidv7(), inspection_id, user_id, blob, preview, sha256: await sha256Hex(await blob.arrayBuffer()), filetype: 'image/jpeg', bytes: blob.size }
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

/** Null where the browser cannot read the picture (HEIC in most, or more pixels than it has memory for). */
export async function decode(blob: Blob): Promise<Decoded | null> {
  try {
    const bitmap = await createImageBitmap(blob)
    return { source: bitmap, width: bitmap.width, height: bitmap.height, close: () => bitmap.close() }
  } catch {
    return decodeByElement(blob)
  }
}

/** Safari shows HEIC on a page before it makes bitmaps of it. */
async function decodeByElement(blob: Blob): Promise<Decoded | null> {
  const url = URL.createObjectURL(blob)
  try {
    const image = new Image()
    image.src = url
    await image.decode()
    return { source: image, width: image.naturalWidth, height: image.naturalHeight, close: () => URL.revokeObjectURL(url) }
  } catch {
    URL.revokeObjectURL(url)
    return null
  }
}

/** Width and height with the longest edge at most `edge`. */
export function fitted(width: number, height: number, edge: number): { width: number; height: number } {
  const scale = Math.min(1, edge / Math.max(width, height))
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) }
}

export function canvasOf(picture: Decoded, edge: number): HTMLCanvasElement {
  const canvas = Object.assign(document.createElement('canvas'), fitted(picture.width, picture.height, edge))
  canvas.getContext('2d')?.drawImage(picture.source, 0, 0, canvas.width, canvas.height)
  return canvas
}

export const blobOf = (canvas: HTMLCanvasElement, quality: number): Promise<Blob | null> => new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', quality))

async function jpegOf(picture: Decoded, edge: number, quality: number): Promise<Blob | null> {
  try {
    return await blobOf(canvasOf(picture, edge), quality)
  } catch {
    return null
  }
}

/** A small JPEG of what is on a canvas. */
export const previewOf = (canvas: HTMLCanvasElement): Promise<Blob | null> => jpegOf({ source: canvas, width: canvas.width, height: canvas.height, close: () => undefined }, PREVIEW_PX, 0.7)
