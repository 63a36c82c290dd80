/**
 * On which network photos as taken may go: any, or Wi-Fi only, as the officer chose on this phone. Inspections, signatures and reduced
 * copies go on any. Not every browser says which network it is on; what is not known is not taken for Wi-Fi, and the officer may send
 * by hand.
 */
import { ref } from 'vue'

export type Originals = 'any' | 'wifi'
interface Connection { type?: string; saveData?: boolean }

const KEY = 'bk.phone.originals'
/** Sending by hand holds for so long: a bus ride, not the rest of the month. */
const BY_HAND_MS = 30 * 60_000

export const originalsOn = ref<Originals>(localStorage.getItem(KEY) === 'wifi' ? 'wifi' : 'any')
let byHandUntil = 0

export function chooseOriginals(value: Originals): void {
  originalsOn.value = value
  localStorage.setItem(KEY, value)
}

/** The officer wants them to go now, whatever the network. */
export function sendOriginalsNow(now = Date.now()): void {
  byHandUntil = now + BY_HAND_MS
}

export function mayOriginals(now = Date.now()): boolean {
  return now < byHandUntil || originalsFit(originalsOn.value, (navigator as Navigator & { connection?: Connection }).connection)
}

/** Whether this browser says on which network it is. */
export const networkKnown = (): boolean => (navigator as Navigator & { connection?: Connection }).connection?.type !== undefined

/** Whether a network is one that was chosen. */
export function originalsFit(chosen: Originals, connection: Connection | undefined): boolean {
  if (chosen === 'any') return true
  return (connection?.type === 'wifi' || connection?.type === 'ethernet') && connection.saveData !== true
}
