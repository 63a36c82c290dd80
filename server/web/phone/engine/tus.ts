/**
 * Sends one file by tus 1.0: created once with its first piece, continued where it stopped, each piece with its SHA-256. The address is
 * kept as soon as it is known; an upload the server has forgotten is created again, and a file it has already is told by its offset.
 */
import { send, type Bytes, type Sender } from '@shared/api/call'
import { headUploadsId, patchUploadsId, postUploads } from '@shared/api/generated.operations'
import { Problem } from '@shared/api/problem'

export type Transport = Sender

export interface UploadFile { id: string; inspection_id: string; blob: Blob; sha256: string; filetype: string; bytes: number }

export interface UploadHooks {
  /** The address was made; keep it. */
  created(path: string): Promise<void>
  /** So many bytes are on the server. */
  progress(bytes: number): void
  signal?: AbortSignal
}

export const PIECE_BYTES = 1024 * 1024
const VERSION = { 'Tus-Resumable': '1.0.0' } as const

/** Ends when the server has the whole file. `known` is the address of an earlier try. */
export async function upload(api: Transport, file: UploadFile, known: string | undefined, hooks: UploadHooks): Promise<void> {
  let path = known
  let offset = 0
  if (path) {
    const found = await head(api, path, hooks.signal)
    if (found === null) path = undefined
    else offset = found
  }
  if (!path) {
    const made = await create(api, file, hooks.signal)
    // One that was begun before stands where it stood; of a new one the first piece is there.
    path = made.path
    offset = made.offset
    await hooks.created(path)
  }
  hooks.progress(offset)
  while (offset < file.bytes) {
    const { body, checksum } = await piece(file, offset)
    const header = { ...VERSION, 'Upload-Offset': offset, 'Upload-Checksum': checksum }
    const response = await send(api, patchUploadsId, { path: { id: idOf(path) }, header, body }, { signal: hooks.signal })
    const next = Number(response.headers.get('Upload-Offset'))
    if (!Number.isFinite(next) || next <= offset) throw new Problem({ type: 'upload_stuck', title: 'upload_stuck', status: 0 })
    offset = next
    hooks.progress(offset)
  }
}

async function piece(file: UploadFile, offset: number): Promise<{ body: Bytes; checksum: string }> {
  const content = await file.blob.slice(offset, Math.min(offset + PIECE_BYTES, file.bytes)).arrayBuffer()
  return { body: { content, type: 'application/offset+octet-stream' }, checksum: `sha256 ${await digest64(content)}` }
}

async function head(api: Transport, path: string, signal?: AbortSignal): Promise<number | null> {
  try {
    const response = await send(api, headUploadsId, { path: { id: idOf(path) }, header: VERSION }, { signal })
    return Number(response.headers.get('Upload-Offset') ?? 0)
  } catch (error) {
    if (error instanceof Problem && [404, 410, 403].includes(error.status)) return null
    throw error
  }
}

async function create(api: Transport, file: UploadFile, signal?: AbortSignal): Promise<{ path: string; offset: number }> {
  const metadata = { inspection_id: file.inspection_id, evidence_id: file.id, sha256: file.sha256, filetype: file.filetype }
  const pairs = Object.entries(metadata).map(([name, value]) => `${name} ${base64(new TextEncoder().encode(value))}`)
  const { body, checksum } = await piece(file, 0)
  const header = { ...VERSION, 'Upload-Length': file.bytes, 'Upload-Metadata': pairs.join(','), 'Upload-Checksum': checksum }
  const response = await send(api, postUploads, { header, body }, { signal })
  const location = response.headers.get('Location')
  const offset = Number(response.headers.get('Upload-Offset') ?? 0)
  if (!location) throw new Problem({ type: 'upload_without_address', title: 'upload_without_address', status: 0 })
  return { path: apiPath(location), offset }
}

/** The path below `/api/v1` of an absolute or relative address. */
export function apiPath(location: string): string {
  const path = location.replace(/^https?:\/\/[^/]+/, '')
  return path.startsWith('/api/v1/') ? path.slice('/api/v1'.length) : path.startsWith('/') ? path : `/uploads/${path}`
}

/** Of the address that was kept: `/uploads/ID`. */
const idOf = (path: string): string => decodeURIComponent(path.slice(path.lastIndexOf('/') + 1))

export function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
}

async function digest64(bytes: ArrayBuffer): Promise<string> {
  return base64(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))
}
