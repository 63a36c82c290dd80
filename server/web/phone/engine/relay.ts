/**
 * A part handed from phone to phone where there is no network: as codes shown one after the other, or as a file. It is what the
 * officer has handed in, byte for byte, so the lead's submission names the same hash that the officer's own phone sends later. Photos
 * and signatures do not go this way; they follow with the part, when there is a network.
 */
import { canonicalSha256, sha256Hex } from '@shared/canonical'
import type { PartContent } from '@shared/inspection'
import type { OutboxEntry } from './entry'
import type { TeamPart } from './team'

export interface Relayed { inspection_id: string; part: TeamPart }
export type RelayFault = 'damaged' | 'other' | 'notNamed'

const PREFIX = 'bk:part:1:'
const KIND = 'bright-kitchen/part/1'
/** Characters of a code: dense enough to be quick, loose enough to be read off a glass. */
const FRAME_CHARS = 480
const FRAMES_MAX = 600
const BYTES_MAX = 2 * 1024 * 1024

/** What was handed in and waits to be sent. */
export function relayed(entry: OutboxEntry, owner: { id: string; name: string }): Relayed {
  const part = entry.put.part as { id: string; content: PartContent; content_sha256: string; revision: number }
  return { inspection_id: entry.id, part: { id: part.id, owner_id: owner.id, owner_name: owner.name, revision: part.revision, content_sha256: part.content_sha256, content: part.content } }
}

export function fileText(what: Relayed): string {
  return JSON.stringify({ kind: KIND, ...what })
}

/** The codes that carry it; each says which it is of how many. */
export async function framesOf(what: Relayed): Promise<string[]> {
  const packed = await pack(new TextEncoder().encode(fileText(what)), new CompressionStream('deflate-raw'))
  const sum = (await sha256Hex(packed)).slice(0, 8)
  const text = base64(packed)
  const total = Math.ceil(text.length / FRAME_CHARS)
  if (total > FRAMES_MAX) throw new RangeError('too long for codes')
  return Array.from({ length: total }, (_, index) => `${PREFIX}${sum}:${index}:${total}:${text.slice(index * FRAME_CHARS, (index + 1) * FRAME_CHARS)}`)
}

/** Gathers codes in whatever order they are read. */
export class Collector {
  private sum = ''
  private pieces: (string | undefined)[] = []

  get have(): number {
    return this.pieces.filter((piece) => piece !== undefined).length
  }

  get total(): number {
    return this.pieces.length
  }

  /** False where the text is no such code. A code of another part begins anew. */
  add(text: string): boolean {
    const found = /^bk:part:1:([0-9a-f]{8}):(\d{1,4}):(\d{1,4}):([A-Za-z0-9_-]+)$/.exec(text)
    if (!found) return false
    const [, sum, index, total, piece] = found as unknown as [string, string, string, string, string]
    const [at, of] = [Number(index), Number(total)]
    if (of < 1 || of > FRAMES_MAX || at >= of) return false
    if (sum !== this.sum || of !== this.total) {
      this.sum = sum
      this.pieces = Array.from<string | undefined>({ length: of })
    }
    this.pieces[at] = piece
    return true
  }

  get whole(): boolean {
    return this.total > 0 && this.have === this.total
  }

  async text(): Promise<string> {
    const packed = bytes(this.pieces.join(''))
    if ((await sha256Hex(packed)).slice(0, 8) !== this.sum) throw new RangeError('damaged')
    return new TextDecoder().decode(await pack(packed, new DecompressionStream('deflate-raw')))
  }
}

/** Reads what came, and whether it belongs to this inspection and is whole. */
export async function readRelayed(text: string, inspection: { id: string; officers: string[] }): Promise<TeamPart | RelayFault> {
  let what: Relayed & { kind?: string }
  try {
    if (text.length > BYTES_MAX) return 'damaged'
    what = JSON.parse(text) as typeof what
    if (what.kind !== KIND || !Array.isArray(what.part.content.answers) || !Array.isArray(what.part.content.evidence)) return 'damaged'
    if ((await canonicalSha256(what.part.content)) !== what.part.content_sha256) return 'damaged'
  } catch {
    return 'damaged'
  }
  if (what.inspection_id !== inspection.id) return 'other'
  return inspection.officers.includes(what.part.owner_id) ? { ...what.part, carried: true } : 'notNamed'
}

async function pack(input: Uint8Array<ArrayBuffer>, through: CompressionStream | DecompressionStream): Promise<Uint8Array<ArrayBuffer>> {
  const reader = new Blob([input]).stream().pipeThrough(through).getReader()
  const pieces: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    length += (value as Uint8Array).length
    // A small code must not unpack to something that fills the phone.
    if (length > BYTES_MAX) throw new RangeError('too long')
    pieces.push(value as Uint8Array)
  }
  const whole = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

function base64(input: Uint8Array): string {
  let text = ''
  for (const byte of input) text += String.fromCharCode(byte)
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0))
}
