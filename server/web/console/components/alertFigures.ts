import type { AlertFigures as Figures, AlertShare as Share } from '@shared/api/types'
import type { Rate } from './figures'

export type AlertFigures = Figures
export type AlertShare = Share

export const GROUPINGS = ['kind', 'rule', 'camera', 'premises', 'office', 'grid', 'premises_kind', 'decider'] as const
export type Grouping = (typeof GROUPINGS)[number]
export const STRETCHES = ['day', 'week', 'month'] as const
export type Stretch = (typeof STRETCHES)[number]

const DAY_MS = 86_400_000

/** A share of counts, as the bar takes it. */
export const rateOf = (share: AlertShare): Rate => ({ value: share.value ?? null, part_s: share.part, whole_s: share.whole })

/** The stretch of the same length just before, ISO days. */
export function before(from: string, to: string): { from: string; to: string } {
  const length = Date.parse(to) - Date.parse(from) + DAY_MS
  const shifted = (day: string) => new Date(Date.parse(day) - length).toISOString().slice(0, 10)
  return { from: shifted(from), to: shifted(to) }
}

/** The same days a year before, ISO days; 29 February becomes 1 March. */
export function lastYear(from: string, to: string): { from: string; to: string } {
  const shifted = (day: string) => {
    const date = new Date(`${day}T00:00:00Z`)
    date.setUTCFullYear(date.getUTCFullYear() - 1)
    return date.toISOString().slice(0, 10)
  }
  return { from: shifted(from), to: shifted(to) }
}

/** Days by day, a quarter by week, more by month. */
export function stretchFor(from: string, to: string): Stretch {
  const days = (Date.parse(to) - Date.parse(from)) / DAY_MS + 1
  return days <= 31 ? 'day' : days <= 120 ? 'week' : 'month'
}

/** The last day of the stretch that begins on this one, within what was asked for. */
export function lastDay(first: string, stretch: Stretch, to: string): string {
  const date = new Date(`${first}T00:00:00Z`)
  if (stretch === 'week') date.setUTCDate(date.getUTCDate() + 6)
  if (stretch === 'month') date.setUTCMonth(date.getUTCMonth() + 1, 0)
  const last = date.toISOString().slice(0, 10)
  return last < to ? last : to
}

/** The first day of the stretch that a day lies in. */
function firstDay(day: string, stretch: Stretch): string {
  if (stretch === 'month') return `${day.slice(0, 8)}01`
  const date = new Date(`${day}T00:00:00Z`)
  if (stretch === 'week') date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7))
  return date.toISOString().slice(0, 10)
}

/** Stretches without alerts have no row from the server: time goes on all the same. */
export function filled(rows: AlertFigures[], from: string, to: string, stretch: Stretch): AlertFigures[] {
  const known = new Map(rows.map((row) => [row.id, row]))
  const all: AlertFigures[] = []
  for (let day = firstDay(from, stretch); day <= to;) {
    all.push(known.get(day) ?? nothing(day))
    day = new Date(Date.parse(lastDay(day, stretch, '9999-12-31')) + DAY_MS).toISOString().slice(0, 10)
  }
  return all
}
function nothing(id: string): AlertFigures {
  const [share, waiting] = [{ value: null, part: 0, whole: 0 }, { count: 0, median_s: null, p90_s: null }]
  return {
    id, name: '', raised: 0, undecided: 0, cleared: 0, confirmed: 0, false_alarms: 0, other_dismissals: 0,
    precision: share, rectified: share, on_time: share, recurrence: share, response: waiting, response_working: waiting,
  }
}

/** How a figure differs from another time: points of percent for shares, share of itself for the rest; null where nothing compares. */
export function change(now: number | null | undefined, then: number | null | undefined, share: boolean): number | null {
  if (now == null || then == null || (!share && then === 0)) return null
  return share ? (now - then) * 100 : ((now - then) / then) * 100
}
