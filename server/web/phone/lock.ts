/**
 * Whether what is kept on this phone is open, and how it comes open: by PIN, by the device's passkey, or by signing in on line.
 * The keys live in memory only. A reload hands them through the service worker, which forgets them within a minute.
 */
import { ref, shallowRef } from 'vue'
import { call } from '@shared/api/call'
import { getDraftsKey, postDraftsKeyOpen, putDraftsKey } from '@shared/api/generated.operations'
import type { ApiClient } from '@shared/api/client'
import { asProblem } from '@shared/api/problem'
import { sha256Hex } from '@shared/canonical'
import type { PhoneDb } from './engine/db'
import { Keys, freshRing, fromBase64, joined, ringOf, type Ring } from './engine/keys'
import { Safe } from './engine/safe'
import { boxFor, openByPasskey, openByPin, recordOf, setPin, type VaultRecord } from './engine/vault'

export interface Owner { id: string; display_name: string }

/** The open safe; null while locked. */
export const opened = shallowRef<Safe | null>(null)
/** The PIN has to be set: the first time, when it was forgotten, or when keys of another phone came. */
export const pinWanted = ref(false)

const HAND_OVER_WAIT_MS = 400

async function openWith(db: PhoneDb, owner: Owner, ring: Ring): Promise<void> {
  const safe = new Safe(db, await Keys.of(owner.id, ring))
  await safe.sealEverything()
  opened.value = safe
}

/** At a start without a sign-in: what a reload handed over, or the first keys where this phone never had any. */
export async function openAtStart(db: PhoneDb, owner: Owner): Promise<void> {
  const handed = await handedOver(owner.id)
  const record = await recordOf(db, owner.id)
  if (handed) {
    await openWith(db, owner, handed)
    pinWanted.value = !record?.pin
    return
  }
  // An earlier version of the app kept drafts unsealed: they are sealed now, and a PIN is asked for.
  if (!record?.pin && !record?.box) {
    await openWith(db, owner, await freshRing())
    pinWanted.value = true
  }
}

export async function unlockByPin(db: PhoneDb, owner: Owner, pin: string): Promise<void> {
  await openWith(db, owner, await openByPin(db, owner.id, pin))
}

export async function unlockByPasskey(db: PhoneDb, owner: Owner): Promise<void> {
  await openWith(db, owner, await openByPasskey(db, owner.id))
}

/** A sign-in has just succeeded: the server opens what this phone and other phones sealed to it. */
export async function openBySignIn(db: PhoneDb, api: ApiClient, owner: Owner): Promise<void> {
  const record = await recordOf(db, owner.id)
  const answer = await call(api, postDraftsKeyOpen, { body: { sealed: record?.box?.sealed } })
  const present = opened.value?.userId === owner.id ? opened.value.keys.ring : null
  const ring = joined([answer.kept, answer.opened].flatMap((box) => (box ? [ringOf(fromBase64(box))] : [])).concat(present ?? []))
  // Keys that only the PIN opens stay under the PIN: it is asked for as always.
  if (!ring && record?.pin) return
  const here = ring ?? (await freshRing())
  const known = new Set(record?.key_ids)
  pinWanted.value = !record?.pin || Object.keys(here.keys).some((id) => !known.has(id))
  await openWith(db, owner, here)
  await leaveBox(db, api, owner, answer.kept_sha256)
}

/** Brings the server the keys, sealed, where it has not got these. Another phone's are not replaced unseen: a sign-in joins them. */
export async function leaveBox(db: PhoneDb, api: ApiClient, owner: Owner, seen?: string | null): Promise<void> {
  const safe = opened.value
  if (safe?.userId !== owner.id) return
  const server = await call(api, getDraftsKey)
  const record = (await recordOf(db, owner.id)) ?? empty(owner)
  const { ring } = safe.keys
  const kept = record.box && server.kept_sha256 === (await sha256Hex(new TextEncoder().encode(record.box.sealed)))
  const ids = Object.keys(ring.keys).sort()
  const same = record.box?.server_key === server.id && record.box.key_ids.join() === ids.join()
  // Either it is there, or another phone's is, and the next sign-in joins the two.
  if (same && (kept || (!record.box!.kept && server.kept_sha256 && seen === undefined))) return
  const sealed = await boxFor(server.public_key, owner.id, ring)
  let taken = false
  try {
    await call(api, putDraftsKey, { body: { sealed, replaces: seen ?? (kept ? server.kept_sha256 : undefined) ?? undefined } })
    taken = true
  } catch (error) {
    if (asProblem(error).status !== 409) throw error
  }
  const now = (await recordOf(db, owner.id)) ?? empty(owner)
  await db.put('vaults', { ...now, box: { server_key: server.id, sealed, kept: taken, key_ids: ids } })
}

const empty = (owner: Owner): VaultRecord => ({ user_id: owner.id, display_name: owner.display_name, key_ids: [], failures: 0, retry_at: 0 })

export async function choosePin(db: PhoneDb, owner: Owner, pin: string): Promise<void> {
  const safe = opened.value
  if (!safe) throw new Error('locked')
  await setPin(db, owner, safe.keys.ring, pin)
  pinWanted.value = false
}

export function lock(): void {
  opened.value = null
  pinWanted.value = false
  tell({ forget: true })
}

/** Before a reload: the worker has the keys for a moment. */
export function handOver(): void {
  const safe = opened.value
  if (safe) tell({ keep: { user_id: safe.userId, ring: safe.keys.ring } })
}

function tell(message: object, ports: MessagePort[] = []): boolean {
  const worker = navigator.serviceWorker?.controller
  worker?.postMessage({ keys: message }, ports)
  return Boolean(worker)
}

function handedOver(userId: string): Promise<Ring | null> {
  return new Promise((resolve) => {
    const channel = new MessageChannel()
    const timer = setTimeout(() => resolve(null), HAND_OVER_WAIT_MS)
    channel.port1.onmessage = (event: MessageEvent<{ user_id: string; ring: Ring } | null>) => {
      clearTimeout(timer)
      resolve(event.data?.user_id === userId ? event.data.ring : null)
    }
    if (!tell({ ask: true }, [channel.port2])) {
      clearTimeout(timer)
      resolve(null)
    }
  })
}
