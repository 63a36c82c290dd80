/**
 * What a checklist asks, given what has been answered so far, as `mobile-api/src/asked.rs` has it word for word (the
 * specification is there); `mobile-api/vectors/asked.json` holds both to the same.
 */
import {
  coversAllItems, itemsOf,
  type Answer, type Condition, type FieldValue, type InspectionKind, type Item, type ItemResult, type TemplateBody,
} from './inspection'
import { lacksSafetyReason } from './signing'

/** `required` of an item: must be answered even where a check does not cover all items. */
export interface AskedField { shown: boolean; required: boolean }
export interface AskedItem { shown: boolean; required: boolean; fields: AskedField[] }

/** The part of an answer that conditions look at. */
export type Seen = Pick<Answer, 'item_code' | 'result' | 'number' | 'values'>

/** What is asked, item by item in the order of the paper. */
export function asked(template: TemplateBody, answers: Iterable<Seen>): AskedItem[] {
  const items = itemsOf(template)
  const look = new Look(items, answers)
  return items.map((_, index) => look.item(index))
}

const UNDER = 'under'
type State = boolean | typeof UNDER | undefined

class Look {
  private readonly places = new Map<string, number>()
  private readonly answers = new Map<string, Seen>()
  private readonly seen: State[] = []
  private readonly seenFields = new Map<string, State>()

  constructor(private readonly items: Item[], answers: Iterable<Seen>) {
    items.forEach((item, index) => this.places.set(item.code, index))
    for (const answer of answers) this.answers.set(answer.item_code, answer)
  }

  item(index: number): AskedItem {
    const item = this.items[index]!
    const shown = this.shown(index)
    const required = shown && (item.required === true || this.holdsIf(item.require_when))
    const fields = (item.fields ?? []).map((one, field) => {
      const fieldShown = this.fieldShown(index, field)
      return { shown: fieldShown, required: fieldShown && (one.required === true || this.holdsIf(one.require_when)) }
    })
    return { shown, required, fields }
  }

  private holdsIf(condition: Condition | null | undefined): boolean {
    return condition ? this.holds(condition) : false
  }

  private shown(index: number): boolean {
    const state = this.seen[index]
    if (state !== undefined) return state === true
    this.seen[index] = UNDER
    const condition = this.items[index]!.show_when
    return (this.seen[index] = condition ? this.holds(condition) : true)
  }

  private fieldShown(index: number, field: number): boolean {
    const key = `${index}/${field}`
    const state = this.seenFields.get(key)
    if (state !== undefined) return state === true
    this.seenFields.set(key, UNDER)
    const condition = this.items[index]!.fields![field]!.show_when
    const shown = this.applies(index) && (condition ? this.holds(condition) : true)
    this.seenFields.set(key, shown)
    return shown
  }

  private applies(index: number): boolean {
    return this.shown(index) && this.result(index) !== 'not_applicable'
  }

  private result(index: number): ItemResult | undefined {
    return this.answers.get(this.items[index]!.code)?.result
  }

  private holds(condition: Condition): boolean {
    if ('all' in condition) return condition.all.every((one) => this.holds(one))
    if ('any' in condition) return condition.any.some((one) => this.holds(one))
    if ('not' in condition) return !this.holds(condition.not)
    if ('result' in condition) {
      const index = this.places.get(condition.result.item)
      if (index === undefined || !this.shown(index)) return false
      const result = this.result(index)
      return result !== undefined && condition.result.one_of.includes(result)
    }
    const value = this.value(condition.value.item, condition.value.field)
    return value !== undefined && compares(value, condition.value.is, condition.value.to)
  }

  private value(itemCode: string, fieldCode: string | null | undefined): FieldValue | undefined {
    const index = this.places.get(itemCode)
    const answer = this.answers.get(itemCode)
    if (index === undefined || !answer) return undefined
    if (fieldCode === null || fieldCode === undefined) {
      return this.applies(index) && typeof answer.number === 'number' ? answer.number : undefined
    }
    const field = (this.items[index]!.fields ?? []).findIndex((one) => one.code === fieldCode)
    return field >= 0 && this.fieldShown(index, field) ? answer.values?.[fieldCode] : undefined
  }
}

/** Whether a value is one: an empty text or list is none. */
export function isGiven(value: FieldValue | null | undefined): value is FieldValue {
  return typeof value === 'number' || (value !== undefined && value !== null && value.length > 0)
}

type Comparison = Extract<Condition, { value: unknown }>['value']['is']

function compares(value: FieldValue, is: Comparison, to: FieldValue | null | undefined): boolean {
  if (!isGiven(value)) return false
  if (is === 'given') return true
  if (typeof value === 'number' && typeof to === 'number') {
    switch (is) {
      case 'equals': return value === to
      case 'not_equals': return value !== to
      case 'less': return value < to
      case 'at_most': return value <= to
      case 'more': return value > to
      case 'at_least': return value >= to
      default: return false
    }
  }
  if (typeof to !== 'string') return false
  if (typeof value === 'string') return is === 'equals' ? value === to : is === 'not_equals' && value !== to
  return is === 'includes' && Array.isArray(value) && value.includes(to)
}

/** What an answer still needs, photos left out; `field` comes with the field's code. */
export type Lack = 'answer' | 'reason' | 'affects_safety' | 'safety_reason' | `field:${string}`

/** The part of an answer that decides what lacks. */
export type Given = Partial<Pick<Answer, 'result' | 'remark' | 'reason' | 'number' | 'values' | 'affects_safety' | 'evidence_ids'>>

/** What one item lacks, as it is asked; empty when it is done, or not asked. As `mobile-api/src/complete.rs`. */
export function lacksOf(item: Item, given: Given | undefined, ask: AskedItem, kind: InspectionKind): Lack[] {
  if (!ask.shown) return []
  const judged = item.question !== true
  const begun = given !== undefined && ((judged && given.result !== undefined) || isTouched(given))
  if (!begun) return ask.required || (judged && coversAllItems(kind)) ? ['answer'] : []
  if (judged && given.result === undefined) return ['answer']
  const missing: Lack[] = []
  if (given.result === 'not_applicable' && !given.reason?.trim()) missing.push('reason')
  if (given.result === 'fails') {
    if (given.affects_safety === undefined || given.affects_safety === null) missing.push('affects_safety')
    else if (lacksSafetyReason(given)) missing.push('safety_reason')
    if (!given.remark?.trim()) missing.push('reason')
  }
  for (const [index, field] of (item.fields ?? []).entries()) {
    if (ask.fields[index]?.required && !isGiven(given.values?.[field.code])) missing.push(`field:${field.code}`)
  }
  return missing
}

/** Whether anything is noted beside the result. */
export function isTouched(given: Given | undefined): boolean {
  if (!given) return false
  if (typeof given.number === 'number' || Object.values(given.values ?? {}).some(isGiven)) return true
  return (given.evidence_ids?.length ?? 0) > 0 || Boolean(given.remark?.trim())
}
