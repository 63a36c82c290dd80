/**
 * What the phone does when its storage is full. A few megabytes are kept filled from the beginning; when a save finds no room they
 * are let go and it is tried again: what is typed is small, and always fits. Photos need real room, and are told to the officer.
 */
import type { PhoneDb } from './db'
import type { Safe } from './safe'

const BALLAST = 'ballast'
const BALLAST_BYTES = 4 * 1024 * 1024
const TRIES = 10
const PAUSE_MS = 200
/** Below this the officer is told. */
export const LOW_BYTES = 200 * 1024 * 1024
/** And below this part of what the browser gives. */
const LOW_PART = 0.1

/** A full disk ends the transaction: some browsers then only say that it was ended. */
export const isFull = (error: unknown): boolean => ['QuotaExceededError', 'AbortError'].includes((error as Error)?.name)

/** Runs `work`; where there is no room, lets the ballast go and runs it once more. */
export async function makeRoom<T>(safe: Pick<Safe, 'db'>, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isFull(error) || !(await safe.db.get('meta', BALLAST))) throw error
    await safe.db.delete('meta', BALLAST)
    // The browser takes a moment to notice the room.
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
 * left, whatever the disk has): whether four megabytes find a place is the truth.
 */
export async function fillBallast(db: PhoneDb): Promise<boolean> {
  if (await db.getKey('meta', BALLAST)) return true
  return db.put('meta', { key: BALLAST, value: new Blob([new Uint8Array(BALLAST_BYTES)]) }).then(() => true, () => false)
}

export interface Room { bytes: number; low: boolean }

/** What the browser says is left, which may be too much; null where it does not say. */
export async function left(): Promise<Room | null> {
  const estimate = await navigator.storage?.estimate?.().catch(() => undefined)
  if (estimate?.quota === undefined || estimate.usage === undefined) return null
  const bytes = Math.max(0, estimate.quota - estimate.usage)
  return { bytes, low: bytes < Math.min(LOW_BYTES, LOW_PART * estimate.quota + 20 * 1024 * 1024) || bytes < 50 * 1024 * 1024 }
}
