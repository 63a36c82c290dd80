/**
 * A report of suspected food poisoning as it is typed, and what goes out of it. One form a place: it is kept with every key press
 * and frozen when it is sent.
 */
import { uuidv7 } from '@shared/ids'
import { isoDay } from '@shared/time'
import type { Place } from '@shared/inspection'
import type { StoredFile } from './draft'

export const SYMPTOMS = ['vomiting', 'diarrhoea', 'abdominal_pain', 'fever', 'dizziness', 'other'] as const
export const STOPS = ['serving', 'making', 'suspected_food', 'scene'] as const
export const SOURCES = ['school', 'hospital', 'consumer', 'authority', 'officer'] as const
export const MEALS = ['breakfast', 'lunch', 'dinner', 'snack'] as const
export const PHOTOS_MAX = 50
export const GOODS_MAX = 50

export interface FoodLine { measure: 'seal' | 'keep'; name: string; quantity: string; place: string; seal_number: string; photos: string[] }
export interface IncidentForm {
  id: string
  source: (typeof SOURCES)[number]
  on_site: boolean
  people: string
  in_hospital: string
  /** As an input of date and time has it: local, to the minute. */
  onset: string
  symptoms: string[]
  day: string
  meal: string
  foods: string
  stops: string[]
  sealed: FoodLine[]
  /** Of the place, not of one food. */
  photos: string[]
  note: string
}

export const newIncident = (now = Date.now()): IncidentForm => ({
  id: uuidv7(), source: 'school', on_site: true, people: '', in_hospital: '', onset: '', symptoms: [], day: isoDay(now), meal: '', foods: '',
  // What the law asks for at once; the officer takes away what does not apply.
  stops: ['serving', 'suspected_food', 'scene'], sealed: [], photos: [], note: '',
})
export const newFood = (): FoodLine => ({ measure: 'seal', name: '', quantity: '', place: '', seal_number: '', photos: [] })

export type IncidentFault = 'needPeople' | 'hospitalMany' | 'needSymptoms' | 'onsetAhead' | 'needStops' | 'needGoods'

const count = (text: string) => (/^\d{1,6}$/.test(text.trim()) ? Number(text.trim()) : NaN)

/** What keeps it from being sent, first things first; the server asks for the same. */
export function incidentFaults(form: IncidentForm, now = Date.now()): IncidentFault[] {
  const found: IncidentFault[] = []
  const people = count(form.people)
  if (!(people >= 1 && people <= 100_000)) found.push('needPeople')
  if (form.in_hospital.trim() && !(count(form.in_hospital) <= people)) found.push('hospitalMany')
  if (form.onset && !(Date.parse(form.onset) <= now + 60_000)) found.push('onsetAhead')
  if (form.symptoms.length === 0) found.push('needSymptoms')
  if (form.stops.length === 0) found.push('needStops')
  if (form.sealed.some((food) => !food.name.trim() || !food.quantity.trim() || !food.place.trim())) found.push('needGoods')
  return found
}

/** The content as it is hashed and sent. */
export function incidentContent(form: IncidentForm, premisesId: string, files: StoredFile[], takenAt: Map<string, string>, monotonicMs: number, place?: Place, now = new Date()): object {
  const text = (value: string) => value.trim()
  return {
    premises_id: premisesId, source: form.source, on_site: form.on_site, people: count(form.people),
    ...(text(form.in_hospital) ? { in_hospital: count(form.in_hospital) } : {}),
    ...(form.onset ? { onset_at: new Date(form.onset).toISOString() } : {}),
    symptoms: form.symptoms,
    ...(form.meal ? { meal: { day: form.day, meal: form.meal, foods: text(form.foods) } } : {}),
    stops: form.stops,
    sealed: form.sealed.map((food) => ({
      measure: food.measure, name: text(food.name), quantity: text(food.quantity), place: text(food.place), ...(text(food.seal_number) ? { seal_number: text(food.seal_number) } : {}),
      evidence_ids: food.photos,
    })),
    ...(text(form.note) ? { note: text(form.note) } : {}),
    evidence: files.map((file) => ({ id: file.id, kind: 'photo', sha256: file.sha256, filetype: file.filetype, bytes: file.bytes, taken_at: takenAt.get(file.id) ?? now.toISOString() })),
    ...(place ? { location: place } : {}),
    clock: { device_time: now.toISOString(), monotonic_ms: Math.round(monotonicMs), ...(place?.gps_time ? { gps_time: place.gps_time } : {}) },
  }
}
