/**
 * An officer's keys to what is kept on this phone. Everything is sealed with AES-GCM under a key of the officer's own, bound to
 * the officer and to what it is, so that nothing can be put in another's place. Keys have names: two phones may each have
 * made one before they met, and then both are kept in one ring.
 */
import { canonical, hex } from '@shared/canonical'

/** What lies in the database in the place of a value. */
export interface Sealed { key: string; iv: Uint8Array<ArrayBuffer>; data: ArrayBuffer }

/** The keys themselves, base64: what a PIN, a passkey or the server's box protects. */
export interface Ring { current: string; keys: Record<string, string> }

/** No key of the ring opens it: another officer's, or damaged. */
export class CannotOpen extends Error {}

const KEY_BYTES = 32
const IV_BYTES = 12
export const KEYS_MAX = 32

export class Keys {
  private constructor(readonly userId: string, readonly ring: Ring, private readonly opened: Map<string, CryptoKey>) {}

  static async of(userId: string, ring: Ring): Promise<Keys> {
    const opened = new Map<string, CryptoKey>()
    for (const [id, raw] of Object.entries(ring.keys)) {
      opened.set(id, await crypto.subtle.importKey('raw', fromBase64(raw), 'AES-GCM', false, ['encrypt', 'decrypt']))
    }
    if (!opened.has(ring.current)) throw new CannotOpen('a ring without its current key')
    return new Keys(userId, ring, opened)
  }

  static async fresh(userId: string): Promise<Keys> {
    return Keys.of(userId, await freshRing())
  }

  async seal(purpose: string, content: BufferSource): Promise<Sealed> {
    const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES))
    const data = await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData: this.bound(purpose) }, this.opened.get(this.ring.current)!, content)
    return { key: this.ring.current, iv, data }
  }

  async open(purpose: string, sealed: Sealed): Promise<ArrayBuffer> {
    const key = this.opened.get(sealed.key)
    if (!key) throw new CannotOpen(`no key ${sealed.key}`)
    try {
      return await crypto.subtle.decrypt({ name: 'AES-GCM', iv: sealed.iv, additionalData: this.bound(purpose) }, key, sealed.data)
    } catch {
      throw new CannotOpen(purpose)
    }
  }

  sealJson(purpose: string, value: unknown): Promise<Sealed> {
    return this.seal(purpose, new TextEncoder().encode(JSON.stringify(value)))
  }

  async openJson<T>(purpose: string, sealed: Sealed): Promise<T> {
    return JSON.parse(new TextDecoder().decode(await this.open(purpose, sealed))) as T
  }

  private bound(purpose: string): Uint8Array<ArrayBuffer> {
    return new TextEncoder().encode(`${this.userId}/${purpose}`)
  }
}

export async function freshRing(): Promise<Ring> {
  const raw = crypto.getRandomValues(new Uint8Array(KEY_BYTES))
  const id = hex(await crypto.subtle.digest('SHA-256', raw)).slice(0, 16)
  return { current: id, keys: { [id]: toBase64(raw) } }
}

/** One ring of several; the first one's current key stays current. */
export function joined(rings: Ring[]): Ring | null {
  const [first] = rings
  if (!first) return null
  const keys = Object.fromEntries(rings.flatMap((ring) => Object.entries(ring.keys)).slice(0, KEYS_MAX))
  return { current: first.current, keys: { ...keys, ...first.keys } }
}

export const sameRing = (one: Ring, other: Ring) => canonical(one) === canonical(other)

export const ringBytes = (ring: Ring) => new TextEncoder().encode(JSON.stringify(ring))

export function ringOf(bytes: BufferSource): Ring {
  const ring = JSON.parse(new TextDecoder().decode(bytes)) as Ring
  if (typeof ring?.current !== 'string' || !ring.keys?.[ring.current]) throw new CannotOpen('not a ring')
  return ring
}

/** In one piece, for leaving this phone: key name (8 bytes), nonce, sealed bytes. */
export function packed(sealed: Sealed): Blob {
  const name = Uint8Array.from(sealed.key.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
  return new Blob([name, sealed.iv, sealed.data])
}

export function unpacked(bytes: ArrayBuffer): Sealed {
  if (bytes.byteLength <= 8 + IV_BYTES) throw new CannotOpen('too short')
  return { key: hex(bytes.slice(0, 8)), iv: new Uint8Array(bytes.slice(8, 8 + IV_BYTES)), data: bytes.slice(8 + IV_BYTES) }
}

export function toBase64(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000))
  return btoa(text)
}

export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))
}
