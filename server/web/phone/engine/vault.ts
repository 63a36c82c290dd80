/**
 * What opens an officer's keys on this phone: a PIN, a passkey of the device (WebAuthn PRF) where it can, and a box sealed to the
 * server's public key, which signing in on line opens. Wrong PINs make the next try wait; nothing is ever wiped.
 */
import type { PhoneDb } from './db'
import { CannotOpen, fromBase64, ringBytes, ringOf, toBase64, type Ring } from './keys'

/** Rounds of PBKDF2-SHA-256: what OWASP asks for, a good second on a slow phone. */
export const PIN_ROUNDS = 600_000
export const PIN_CHARS_MIN = 6
export const PIN_CHARS_MAX = 64
/** Tries before they begin to wait. */
const FREE_TRIES = 3
const WAIT_MS = 5_000
const WAIT_MS_MAX = 15 * 60_000

interface Wrapped { salt: Uint8Array<ArrayBuffer>; iv: Uint8Array<ArrayBuffer>; data: ArrayBuffer }

export interface VaultRecord {
  user_id: string
  display_name: string
  /** Names of the keys that the wraps below hold. */
  key_ids: string[]
  pin?: Wrapped & { rounds: number }
  passkey?: Wrapped & { credential_id: Uint8Array<ArrayBuffer> }
  /** The ring, sealed to the server's key of this name. */
  box?: { server_key: string; sealed: string; kept: boolean; key_ids: string[] }
  failures: number
  /** Milliseconds since 1970 before which no PIN is tried. */
  retry_at: number
}

/** A PIN that was not it, or one that came too soon. */
export class WrongPin extends Error {
  constructor(readonly waitMs: number, readonly tried: boolean) {
    super(tried ? 'wrong PIN' : 'too soon')
  }
}

export const waitAfter = (failures: number): number =>
  failures < FREE_TRIES ? 0 : Math.min(WAIT_MS * 2 ** Math.min(failures - FREE_TRIES, 20), WAIT_MS_MAX)

export const recordOf = (db: PhoneDb, userId: string): Promise<VaultRecord | undefined> => db.get('vaults', userId)

/** Puts the ring under a PIN; what was under an earlier PIN or passkey is replaced where the ring has changed. */
export async function setPin(db: PhoneDb, user: { id: string; display_name: string }, ring: Ring, pin: string, rounds = PIN_ROUNDS): Promise<void> {
  const salt = crypto.getRandomValues(new Uint8Array(16))
  const wrapped = await wrap(await pinKey(pin, salt, rounds), salt, user.id, ring)
  const before = await recordOf(db, user.id)
  const ids = Object.keys(ring.keys).sort()
  const same = before?.key_ids.join() === ids.join()
  await db.put('vaults', {
    user_id: user.id, display_name: user.display_name, key_ids: ids, pin: { ...wrapped, rounds },
    passkey: same ? before?.passkey : undefined, box: before?.box, failures: 0, retry_at: 0,
  })
}

/** The ring, or `WrongPin`. The failure is written down before the answer is given: closing the app does not undo it. */
export async function openByPin(db: PhoneDb, userId: string, pin: string, now = Date.now()): Promise<Ring> {
  const record = await recordOf(db, userId)
  if (!record?.pin) throw new CannotOpen('no PIN')
  // A clock set back must not lock for longer than the longest wait.
  const wait = Math.min(record.retry_at - now, WAIT_MS_MAX)
  if (wait > 0) throw new WrongPin(wait, false)
  const failures = record.failures + 1
  const retryIn = waitAfter(failures)
  await db.put('vaults', { ...record, failures, retry_at: retryIn ? now + retryIn : 0 })
  let ring: Ring
  try {
    ring = await unwrap(await pinKey(pin, record.pin.salt, record.pin.rounds), record.pin, userId)
  } catch {
    throw new WrongPin(retryIn, true)
  }
  await db.put('vaults', { ...record, failures: 0, retry_at: 0 })
  return ring
}

async function pinKey(pin: string, salt: Uint8Array<ArrayBuffer>, rounds: number): Promise<CryptoKey> {
  const material = await crypto.subtle.importKey('raw', new TextEncoder().encode(pin.normalize('NFKC')), 'PBKDF2', false, ['deriveKey'])
  return crypto.subtle.deriveKey({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations: rounds }, material, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
}

async function wrap(key: CryptoKey, salt: Uint8Array<ArrayBuffer>, userId: string, ring: Ring): Promise<Wrapped> {
  const iv = crypto.getRandomValues(new Uint8Array(12))
  return { salt, iv, data: await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData: new TextEncoder().encode(userId) }, key, ringBytes(ring)) }
}

async function unwrap(key: CryptoKey, wrapped: Wrapped, userId: string): Promise<Ring> {
  return ringOf(await crypto.subtle.decrypt({ name: 'AES-GCM', iv: wrapped.iv, additionalData: new TextEncoder().encode(userId) }, key, wrapped.data))
}

/** Whether this device may hold a passkey for us: a secure page with a name, and a lock of its own. */
export async function passkeyPossible(): Promise<boolean> {
  if (typeof PublicKeyCredential === 'undefined' || /^[\d.]+$|:/.test(location.hostname)) return false
  return PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable().catch(() => false)
}

/** Puts the ring under a passkey of this device too; false where the device cannot (no PRF) or the officer declined. */
export async function addPasskey(db: PhoneDb, user: { id: string; display_name: string }, ring: Ring): Promise<boolean> {
  const record = await recordOf(db, user.id)
  if (!record) return false
  const salt = crypto.getRandomValues(new Uint8Array(32))
  const made = (await navigator.credentials.create({
    publicKey: {
      rp: { name: 'Bright Kitchen' },
      user: { id: new TextEncoder().encode(user.id), name: user.display_name, displayName: user.display_name },
      challenge: crypto.getRandomValues(new Uint8Array(32)),
      pubKeyCredParams: [{ type: 'public-key', alg: -7 }, { type: 'public-key', alg: -257 }],
      authenticatorSelection: { authenticatorAttachment: 'platform', userVerification: 'required', residentKey: 'discouraged' },
      extensions: { prf: {} },
    },
  })) as PublicKeyCredential | null
  if (!made?.getClientExtensionResults().prf?.enabled) return false
  const credential_id = new Uint8Array(made.rawId)
  const secret = await prf(credential_id, salt)
  if (!secret) return false
  await db.put('vaults', { ...record, passkey: { ...(await wrap(await prfKey(secret), salt, user.id, ring)), credential_id } })
  return true
}

export async function openByPasskey(db: PhoneDb, userId: string): Promise<Ring> {
  const passkey = (await recordOf(db, userId))?.passkey
  if (!passkey) throw new CannotOpen('no passkey')
  const secret = await prf(passkey.credential_id, passkey.salt)
  if (!secret) throw new CannotOpen('the device gave nothing')
  return unwrap(await prfKey(secret), passkey, userId)
}

async function prf(id: Uint8Array<ArrayBuffer>, salt: Uint8Array<ArrayBuffer>): Promise<BufferSource | undefined> {
  const got = (await navigator.credentials.get({
    publicKey: {
      challenge: crypto.getRandomValues(new Uint8Array(32)), userVerification: 'required', allowCredentials: [{ type: 'public-key', id }],
      extensions: { prf: { eval: { first: salt } } },
    },
  })) as PublicKeyCredential | null
  return got?.getClientExtensionResults().prf?.results?.first
}

async function prfKey(secret: BufferSource): Promise<CryptoKey> {
  const material = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveKey'])
  const info = new TextEncoder().encode('bright-kitchen passkey 1')
  return crypto.subtle.deriveKey({ name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info }, material, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
}

/** A box that only the server opens, and only for this officer: as `server/src/auth/boxes.rs` says. */
export async function boxFor(publicKey: string, userId: string, ring: Ring): Promise<string> {
  const theirs = fromBase64(publicKey)
  const curve = { name: 'ECDH', namedCurve: 'P-256' }
  const pair = await crypto.subtle.generateKey(curve, false, ['deriveBits'])
  const point = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey))
  const server = await crypto.subtle.importKey('raw', theirs, curve, false, [])
  const shared = await crypto.subtle.deriveBits({ name: 'ECDH', public: server }, pair.privateKey, 256)
  const material = await crypto.subtle.importKey('raw', shared, 'HKDF', false, ['deriveKey'])
  const info = new TextEncoder().encode('bright-kitchen drafts 1')
  const key = await crypto.subtle.deriveKey(
    { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array([...point, ...theirs]), info }, material, { name: 'AES-GCM', length: 256 }, false, ['encrypt'],
  )
  const iv = crypto.getRandomValues(new Uint8Array(12))
  const data = await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData: new TextEncoder().encode(userId) }, key, ringBytes(ring))
  return toBase64(new Uint8Array([...point, ...iv, ...new Uint8Array(data)]))
}
