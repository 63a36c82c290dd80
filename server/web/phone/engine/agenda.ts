/** Which assignments a day or a month shows, and in which order: what is late first, then by day, then what is nearer. */
import { distanceM } from '../run/place'

export type Span = 'today' | 'month' | 'all'
export interface Point { latitude: number; longitude: number }
export interface Due { id: string; premises_id: string; due_on: string }
export type Tone = 'overdue' | 'today' | 'later'

/** What a day (ISO date) asks of it. */
export const tone = (one: Due, today: string): Tone => (one.due_on < today ? 'overdue' : one.due_on === today ? 'today' : 'later')

/** Late ones stand in every span: nobody's day hides what was due yesterday. */
export function inSpan(one: Due, span: Span, today: string): boolean {
  if (span === 'all') return true
  return span === 'today' ? one.due_on <= today : one.due_on.slice(0, 7) <= today.slice(0, 7)
}

/** The first span that has something, so that a free day still shows what comes. */
export function firstSpan(all: readonly Due[], today: string): Span {
  return (['today', 'month'] as const).find((span) => all.some((one) => inSpan(one, span, today))) ?? 'all'
}

export function awayM(one: Due, places: ReadonlyMap<string, Partial<{ latitude: number | null; longitude: number | null }>>, here: Point | null): number | null {
  const place = places.get(one.premises_id)
  if (!here || place?.latitude == null || place.longitude == null) return null
  return distanceM(here, { latitude: place.latitude, longitude: place.longitude })
}

export function ordered<One extends Due>(all: readonly One[], away: (one: One) => number | null): One[] {
  return [...all].sort((one, other) => one.due_on.localeCompare(other.due_on) || (away(one) ?? Infinity) - (away(other) ?? Infinity) || one.id.localeCompare(other.id))
}

/** Points of a small map: x to the right and y down, metres from the middle. */
export function flat(points: readonly Point[]): { x: number; y: number }[] {
  if (!points.length) return []
  const middle = {
    latitude: points.reduce((sum, one) => sum + one.latitude, 0) / points.length,
    longitude: points.reduce((sum, one) => sum + one.longitude, 0) / points.length,
  }
  const metres = 111_320
  const narrow = Math.cos((middle.latitude * Math.PI) / 180)
  return points.map((one) => ({ x: (one.longitude - middle.longitude) * metres * narrow, y: (middle.latitude - one.latitude) * metres }))
}

/** A round length of about a quarter of the width, for the bar of scale: 1, 2 or 5 times a power of ten. */
export function scaleM(widthM: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, widthM / 4)))
  return [5, 2, 1].map((times) => times * power).find((length) => length <= widthM / 4) ?? power
}
