import type { Body } from '@shared/api/call'

/** A year of the working calendar, as the server takes it. */
export type CalendarYear = Body<'put_settings_calendar'>
/** A day that is not as its weekday says. */
export type Mark = 'rest' | 'work'
/** The days of a year that are not as their weekday says, with what a day of rest is called. */
export interface Marks { days: Map<string, Mark>; names: Map<string, string> }

const DAY_MS = 86_400_000
const utc = (day: string) => Date.parse(`${day}T00:00:00Z`)
const iso = (ms: number) => new Date(ms).toISOString().slice(0, 10)

/** The day that lies `count` days after another. */
export const moved = (day: string, count: number): string => iso(utc(day) + count * DAY_MS)
/** 0 for Monday to 6 for Sunday. */
export const weekday = (day: string): number => (new Date(utc(day)).getUTCDay() + 6) % 7
export const isWeekend = (day: string): boolean => weekday(day) >= 5

/** All days of a month of a year, 1 to 12. */
export function daysOf(year: number, month: number): string[] {
  const first = Date.UTC(year, month - 1, 1)
  const count = (Date.UTC(year, month, 1) - first) / DAY_MS
  return Array.from({ length: count }, (_, index) => iso(first + index * DAY_MS))
}

/** Where a year's lists mark its days. */
export function marked(year: CalendarYear | undefined): Marks {
  const marks: Marks = { days: new Map(), names: new Map() }
  for (const holiday of year?.holidays ?? []) {
    for (let day = holiday.from; day <= holiday.to; day = moved(day, 1)) {
      marks.days.set(day, 'rest')
      marks.names.set(day, holiday.name)
    }
  }
  for (const day of year?.working_weekends ?? []) marks.days.set(day, 'work')
  return marks
}

/** What a day becomes when it is pressed: a weekday is freed and worked in turn, a weekend is worked, belongs to a holiday, or is itself. */
export function pressed(marks: Marks, day: string): Marks {
  const days = new Map(marks.days)
  const now = days.get(day)
  if (isWeekend(day) && now === undefined) days.set(day, 'work')
  else if (now === 'rest') days.delete(day)
  else days.set(day, 'rest')
  return { days, names: marks.names }
}

/** Days of rest that follow one another, each stretch by the first name that one of its days has, in order. */
export function stretches(marks: Marks): CalendarYear['holidays'] {
  const found: CalendarYear['holidays'] = []
  for (const day of [...marks.days.keys()].filter((one) => marks.days.get(one) === 'rest').sort()) {
    const last = found.at(-1)
    const name = marks.names.get(day) ?? ''
    // Holidays that follow one another stay two while their names differ.
    if (last && moved(last.to, 1) === day && (!name || !last.name || name === last.name)) {
      last.to = day
      last.name ||= name
    } else {
      found.push({ name, from: day, to: day })
    }
  }
  return found
}

/** The same with another name for a stretch. */
export function named(marks: Marks, from: string, to: string, name: string): Marks {
  const names = new Map(marks.names)
  for (let day = from; day <= to; day = moved(day, 1)) names.set(day, name)
  return { days: marks.days, names }
}

/** As the server takes it. */
export function written(year: number, source: string, marks: Marks): CalendarYear {
  const worked = [...marks.days.keys()].filter((day) => marks.days.get(day) === 'work').sort()
  return { year, source: source.trim(), holidays: stretches(marks).map((one) => ({ ...one, name: one.name.trim() })), working_weekends: worked }
}

/** Days of a year on which people work. */
export function workingDays(year: number, marks: Marks): number {
  const days = Array.from({ length: 12 }, (_, index) => daysOf(year, index + 1)).flat()
  return days.filter((day) => (marks.days.get(day) ?? (isWeekend(day) ? 'rest' : 'work')) === 'work').length
}
