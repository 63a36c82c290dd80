import type { AlertShare, RatesRow, SevenRates } from '@shared/api/types'
import type { Rate } from './figures'

export type { RatesRow, SevenRates }
export const SEVEN = ['coverage', 'connection', 'online', 'completeness', 'patrol', 'rectified', 'precision'] as const
export type RateName = (typeof SEVEN)[number]
export const PLACES = ['district', 'office', 'grid', 'premises_kind', 'premises'] as const
export const STRETCHES = ['day', 'week', 'month', 'term'] as const
export type RateStretch = (typeof STRETCHES)[number]

const DAY_MS = 86_400_000
const iso = (date: Date) => date.toISOString().slice(0, 10)
const utc = (day: string) => new Date(`${day}T00:00:00Z`)

/** Parts and wholes of these are seconds. */
export const inTime = (name: RateName) => name === 'online' || name === 'completeness'

/** A share as the bar takes it. */
export const barOf = (share: AlertShare): Rate => ({ value: share.value ?? null, part_s: share.part, whole_s: share.whole })

/** Few cases: a share of them is shown with its count. */
export const few = (name: RateName, share: AlertShare) => !inTime(name) && share.whole > 0 && share.whole < 20

/** The last day of the stretch that begins on this one. */
export function endOf(first: string, stretch: RateStretch): string {
  const date = utc(first)
  if (stretch === 'week') date.setUTCDate(date.getUTCDate() + 6)
  if (stretch === 'month') date.setUTCMonth(date.getUTCMonth() + 1, 0)
  if (stretch === 'term') date.setUTCMonth(date.getUTCMonth() + (date.getUTCMonth() === 8 ? 5 : 7), 0)
  return iso(date)
}

/** Whether these are whole months, and how many. */
function wholeMonths(from: string, to: string): number {
  const [first, last] = [utc(from), new Date(utc(to).getTime() + DAY_MS)]
  if (first.getUTCDate() !== 1 || last.getUTCDate() !== 1) return 0
  return (last.getUTCFullYear() - first.getUTCFullYear()) * 12 + last.getUTCMonth() - first.getUTCMonth()
}

/** The period just before (环比): as many whole months where it is whole months, else as many days. */
export function periodBefore(from: string, to: string): { from: string; to: string } {
  const months = wholeMonths(from, to)
  if (months > 0) {
    const first = utc(from)
    first.setUTCMonth(first.getUTCMonth() - months)
    return { from: iso(first), to: iso(new Date(utc(from).getTime() - DAY_MS)) }
  }
  const length = utc(to).getTime() - utc(from).getTime() + DAY_MS
  return { from: iso(new Date(utc(from).getTime() - length)), to: iso(new Date(utc(to).getTime() - length)) }
}

/** The same period a year before (同比); whole months stay whole. */
export function periodLastYear(from: string, to: string): { from: string; to: string } {
  const shifted = (day: string) => {
    const date = utc(day)
    date.setUTCFullYear(date.getUTCFullYear() - 1)
    return date
  }
  if (wholeMonths(from, to) > 0) {
    const after = new Date(utc(to).getTime() + DAY_MS)
    after.setUTCFullYear(after.getUTCFullYear() - 1)
    return { from: iso(shifted(from)), to: iso(new Date(after.getTime() - DAY_MS)) }
  }
  return { from: iso(shifted(from)), to: iso(shifted(to)) }
}

/** Points of percent between two shares, one decimal; null where either is of nothing. */
export function points(now: AlertShare, then: AlertShare | undefined): number | null {
  if (now.value == null || then?.value == null) return null
  return Math.round((now.value - then.value) * 1000) / 10
}
