import type { LocationQueryRaw, RouteLocationRaw } from 'vue-router'
import type { Body } from '@shared/api/call'
import type { Bilingual, ShownRiskTerm } from '@shared/api/types'
import { isoDay, wire, fromWall } from '@shared/time'

/** The formula as the page edits it. */
export type Formula = Body<'put_settings_risk'>
export type Term = Formula['terms'][number]
export type Band = 'low' | 'medium' | 'high' | 'severe'
export type Measure = ShownRiskTerm['measure']

const DAY_MS = 86_400_000
export const BANDS: readonly Band[] = ['low', 'medium', 'high', 'severe']

/** What a term may count, and how that is measured: what happened on a day fades, what lasts has no window. */
export const FACTS: Record<string, Measure> = {
  inspection_failed: 'count', inspection_basic: 'count', finding_safety: 'count', finding_key: 'count', finding_other: 'count', finding_corrected: 'count',
  days_since_inspection: 'days', alert_class_1: 'count', alert_class_2: 'count', alert_class_3: 'count', recurrence: 'count', rectification_overdue: 'lasting',
  answer_late: 'count', order_open: 'lasting', order_overdue: 'lasting', camera_offline: 'percent', camera_degraded: 'percent', self_check_missed: 'count', food_incident: 'count',
}
export const measureOf = (fact: string): Measure => FACTS[fact] ?? 'count'

const texts = (value: unknown): Bilingual => {
  const { zh = '', en = '' } = (typeof value === 'object' && value ? value : {}) as Partial<Bilingual>
  return { zh: String(zh), en: String(en) }
}
const number = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0)
const days = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null)

/** A formula read from a file: what is not there is empty, so that the page shows where; null where it is none at all. */
export function fromFile(text: string): Formula | null {
  let read: Record<string, unknown>
  try {
    read = JSON.parse(text) as Record<string, unknown>
  } catch {
    return null
  }
  if (typeof read !== 'object' || read === null || !Array.isArray(read.terms) || typeof read.bands !== 'object' || read.bands === null) return null
  const bands = read.bands as Record<string, unknown>
  return {
    source: typeof read.source === 'string' ? read.source : '',
    rise: number(read.rise),
    bands: { medium: number(bands.medium), high: number(bands.high), severe: number(bands.severe) },
    terms: (read.terms as unknown[]).map((one) => {
      const term = (typeof one === 'object' && one ? one : {}) as Record<string, unknown>
      return {
        code: String(term.code ?? ''), name: texts(term.name), fact: String(term.fact ?? ''), weight: number(term.weight), cap: number(term.cap),
        window_days: days(term.window_days), half_life_days: days(term.half_life_days),
      }
    }),
  }
}

/** Another fact: what it cannot have is taken away, what it needs gets a usual value. */
export function setFact(term: Term, fact: string): void {
  term.fact = fact
  const measure = measureOf(fact)
  if (measure === 'lasting') term.window_days = null
  else term.window_days ??= measure === 'percent' ? 14 : 180
  if (measure !== 'count') term.half_life_days = null
}

/** A term more, with a code that is free. */
export function added(formula: Formula): Term {
  const taken = new Set(formula.terms.map((term) => term.code))
  let at = formula.terms.length + 1
  while (taken.has(`term_${at}`)) at += 1
  return { code: `term_${at}`, name: { zh: '', en: '' }, fact: 'inspection_failed', weight: 1, cap: 10, window_days: 180, half_life_days: null }
}

/** The rows that a term counts, where a list has a filter for them. */
export function rowsOf(term: Pick<ShownRiskTerm, 'fact' | 'found' | 'measure' | 'window_days'>, premisesId: string, day: string): RouteLocationRaw | null {
  if (term.found === 0 && term.measure !== 'days') return null
  const first = isoDay(fromWall(`${day}T00:00`).getTime() - ((term.window_days ?? 1) - 1) * DAY_MS)
  const since = wire(fromWall(`${first}T00:00`))
  const to = (name: string, more: LocationQueryRaw): RouteLocationRaw => ({ name, query: { premises_id: premisesId, ...more } })
  switch (term.fact) {
    case 'inspection_failed': return to('inspections', { result: 'does_not_conform', since })
    case 'inspection_basic': return to('inspections', { result: 'basically_conforms', since })
    case 'finding_safety': case 'finding_key': case 'finding_other': case 'finding_corrected': return to('inspections', { since })
    case 'days_since_inspection': return to('inspections', {})
    case 'alert_class_1': case 'alert_class_2': case 'alert_class_3': return to('desk', { state: 'all', class: term.fact.slice(-1), verdict: 'confirmed', raised_since: since })
    case 'recurrence': return to('desk', { state: 'all', raised_since: since })
    case 'rectification_overdue': return to('desk', { state: 'dispatched' })
    case 'answer_late': return to('desk', { state: 'all', verdict: 'confirmed' })
    case 'order_open': case 'order_overdue': return to('orders', { open: 'true' })
    case 'camera_offline': case 'camera_degraded': return to('statistics', { by: 'camera', from: first, to: day })
    case 'self_check_missed': return to('self-checks', { view: 'board' })
    case 'food_incident': return to('incidents', {})
    default: return null
  }
}

/** The page that a list's rows need. */
export const permissionOf: Record<string, string> = { inspections: 'inspections.read', desk: 'alerts.read', orders: 'orders.read', statistics: 'figures.read', 'self-checks': 'self_checks.read', incidents: 'incidents.read' }

/** Points of a line over days, in a box; days without a score are no points. */
export function line(trend: readonly { day: string; score: number }[], width: number, height: number): { x: number; y: number }[] {
  if (!trend.length) return []
  const at = (day: string) => Date.parse(`${day}T00:00Z`) / DAY_MS
  const first = at(trend[0]!.day)
  const span = Math.max(1, at(trend.at(-1)!.day) - first)
  const most = Math.max(10, ...trend.map((one) => one.score))
  const round = (value: number) => Math.round(value * 10) / 10
  return trend.map((one) => ({ x: round(((at(one.day) - first) / span) * width), y: round(height - (one.score / most) * height) }))
}
