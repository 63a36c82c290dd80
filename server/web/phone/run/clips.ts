/**
 * Short video and sound as evidence: recorded on the page, kept as recorded with their hash, within limits of time and bytes. What comes
 * out of the recorder is the file as taken.
 */
import { sha256Hex } from '@shared/canonical'
import { uuidv7 } from '@shared/ids'
import { LIMITS } from '@shared/inspection'
import type { StoredFile } from '../engine/draft'

export type ClipKind = 'video' | 'audio'

export const limitMs = (kind: ClipKind): number => (kind === 'video' ? LIMITS.videoMs : LIMITS.audioMs)
/** The recorder stops before the file is too large to be sent. */
export const STOP_BYTES = LIMITS.evidenceBytes - 2 * 1024 * 1024
export const VIDEO_BITS_A_SECOND = 2_000_000
export const AUDIO_BITS_A_SECOND = 64_000

const TYPES: Record<ClipKind, string[]> = {
  video: ['video/webm;codecs=vp8,opus', 'video/webm', 'video/mp4'],
  audio: ['audio/webm;codecs=opus', 'audio/webm', 'audio/mp4', 'audio/ogg;codecs=opus'],
}

/** What this browser records; null where it records nothing that is accepted. */
export function recorderType(kind: ClipKind): string | null {
  if (typeof MediaRecorder === 'undefined' || !navigator.mediaDevices) return null
  return TYPES[kind].find((type) => MediaRecorder.isTypeSupported(type)) ?? null
}

/** The type without its codecs. */
export const plainType = (type: string): string => type.split(';')[0]!.trim().toLowerCase()

/** What is kept of a recording; the small picture stands for it in lists. */
export async function storedClip(recording: Blob, inspectionId: string, userId: string, preview: Blob | null): Promise<StoredFile> {
  const bytes = await recording.arrayBuffer()
  const filetype = plainType(recording.type)
  return { id: uuidv7(), inspection_id: inspectionId, user_id: userId, blob: new Blob([bytes], { type: filetype }), preview, sha256: await sha256Hex(bytes), filetype, bytes: bytes.byteLength }
}
