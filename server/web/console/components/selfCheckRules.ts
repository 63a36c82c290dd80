import type { Body } from '@shared/api/call'

/** The rules of the canteens' own papers, as the page edits them. */
export type Duties = Body<'put_settings_self_checks'>
export type DutyRule = Duties['rules'][number]
export type Break = Duties['breaks'][number]

export const EVERY = ['serving_day', 'week', 'month', 'as_needed'] as const
export const MEALS = ['breakfast', 'lunch', 'dinner', 'snack'] as const

/** A copy with every list there, so that it can be edited. */
export function editable(duties: Duties): Duties {
  const copy = JSON.parse(JSON.stringify(duties)) as Duties
  for (const rule of copy.rules) rule.slots ??= []
  for (const one of copy.breaks) {
    one.kinds ??= []
    one.nodes ??= []
  }
  return copy
}

/** Gives a meal a paper of its own, by the time of the rule, or takes it away. Meals stay in the order of the day. */
export function setMeals(rule: DutyRule, chosen: readonly string[]): void {
  const had = rule.slots ?? []
  rule.slots = MEALS.filter((meal) => chosen.includes(meal)).map((code) => had.find((slot) => slot.code === code) ?? { code, by: rule.by })
}

const TIME = /^([01]\d|2[0-3]):[0-5]\d$/

/** What is missing before it can be saved, by field; the server looks again. */
export function lacking(duties: Duties): Set<string> {
  const found = new Set<string>()
  duties.rules.forEach((rule, index) => {
    if (!TIME.test(rule.by)) found.add(`rules/${index}/by`)
    rule.slots?.forEach((slot, at) => { if (!TIME.test(slot.by)) found.add(`rules/${index}/slots/${at}/by`) })
  })
  duties.breaks.forEach((one, index) => {
    if (!one.from || !one.to || one.to < one.from) found.add(`breaks/${index}/to`)
  })
  if (!duties.source.trim()) found.add('source')
  return found
}
