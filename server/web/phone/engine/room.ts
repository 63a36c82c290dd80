/**
 * What the phone does when its storage is full. A few megabytes are kept filled from the beginning; when a save finds no room they
 * are let go and it is tried again: what is typed is small, and always fits. Photos need real room, and are told to the officer.
 */
import type { PhoneDb } from './db'
import type { Safe } from './safe'

const BALLAST = 'ballast'
const BALLAST_BYTES = 4 * 1024 * 1024
/** Chromium takes up to five seconds until it has really let go of what was deleted. */
const TRIES = 50
const PAUSE_MS = 300
/** So long after the ballast went, room may still come. */
const COMES_MS = 30_000
/** Below this the officer is told. */
export const LOW_BYTES = 200 * 1024 * 1024
/** And below this part of what the browser gives. */
const LOW_PART = 0.1

/** A full disk ends the transaction: some browsers then only say that it was ended. */
export const isFull = (error: unknown): boolean => ['QuotaExceededError', 'AbortError'].includes((error as Error)?.name)

let letGoAt = -Infinity

/** Lets the ballast go; whether that made room, or soon does. */
export async function letGo(db: PhoneDb): Promise<boolean> {
  if (await db.getKey('meta', BALLAST)) {
    await db.delete('meta', BALLAST)
    letGoAt = Date.now()
  }
  return Date.now() - letGoAt < COMES_MS
}

/** Runs `work`; where there is no room, lets the ballast go and runs it again until there is. */
export async function makeRoom<T>(safe: Pick<Safe, 'db'>, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isFull(error) || !(await letGo(safe.db))) throw error
    for (let tries = 0; tries < TRIES; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
      const done = await work().then((value) => ({ value }), (again: unknown) => (isFull(again) ? null : Promise.reject(again)))
      if (done) return done.value
    }
    throw error
  }
}

/**
 * Fills the ballast again where it is gone; whether it stands. Browsers say of their room what they like (Chromium says that a gigabyte is
 * left, whatever the disk has): whether some megabytes find a place is the truth.
 */
export async function fillBallast(db: PhoneDb): Promise<boolean> {
  if (await db.getKey('meta', BALLAST)) return true
  const put = (bytes: number) => db.put('meta', { key: BALLAST, value: new Blob([new Uint8Array(bytes)]) }).then(() => true, () => false)
  // Three times as much must find a place: the room that was made for typing is not taken back.
  return (await put(3 * BALLAST_BYTES)) && put(BALLAST_BYTES)
}

export interface Room { bytes: number; low: boolean }

/** What the browser says is left, which may be too much; null where it does not say. */
export async function left(): Promise<Room | null> {
  const estimate = await navigator.storage?.estimate?.().catch(() => undefined)
  if (estimate?.quota === undefined || estimate.usage === undefined) return null
  const bytes = Math.max(0, estimate.quota - estimate.usage)
  return { bytes, low: bytes < Math.min(LOW_BYTES, LOW_PART * estimate.quota + 20 * 1024 * 1024) || bytes < 50 * 1024 * 1024 }
}
