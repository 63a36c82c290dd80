import { startOfDay } from '@shared/time'

/** What part of time is drawn, in milliseconds since 1970. */
export interface Window { start: number; end: number }

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const STEPS = [MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 6 * HOUR, 12 * HOUR, DAY]
export const SPAN_MIN = 4 * MINUTE
export const SPAN_MAX = 7 * DAY

/** The lines of the scale: round times of Shanghai, at least `pixelsMin` apart. */
export function ticks(window: Window, width: number, pixelsMin = 72): { at: number; day: boolean }[] {
  const span = window.end - window.start
  const step = STEPS.find((one) => (one / span) * width >= pixelsMin) ?? DAY
  const found: { at: number; day: boolean }[] = []
  const midnight = startOfDay(window.start)
  for (let at = midnight + Math.ceil((window.start - midnight) / step) * step; at <= window.end && found.length < 200; at += step) {
    found.push({ at, day: (at - midnight) % DAY === 0 })
  }
  return found
}

/** Larger or smaller around an instant that stays where it is, within limits; never past `latest`. */
export function zoom(window: Window, factor: number, around: number, latest: number): Window {
  const span = Math.min(SPAN_MAX, Math.max(SPAN_MIN, (window.end - window.start) * factor))
  const share = (around - window.start) / (window.end - window.start)
  return inside({ start: around - span * share, end: around + span * (1 - share) }, latest)
}

export function inside(window: Window, latest: number): Window {
  const over = window.end - latest
  return over > 0 ? { start: window.start - over, end: latest } : window
}

/** The part of a window that the spans cover, 0 to 1, of the time that has already passed. */
export function coverage(spans: Window[], window: Window, now: number): number | null {
  const end = Math.min(window.end, now)
  if (end <= window.start) return null
  const sorted = spans.map((one) => ({ start: Math.max(one.start, window.start), end: Math.min(one.end, end) })).filter((one) => one.end > one.start).sort((a, b) => a.start - b.start)
  let covered = 0
  let until = window.start
  for (const one of sorted) {
    covered += Math.max(0, one.end - Math.max(until, one.start))
    until = Math.max(until, one.end)
  }
  return covered / (end - window.start)
}
