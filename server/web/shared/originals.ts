/**
 * Which files as taken an inspection waits for, which come later, and which stay on the phone: as `mobile-api/src/inspection/originals.rs`
 * has it (why stands there); `mobile-api/vectors/originals.json` holds both to the same.
 */
import { itemsOf, type Evidence, type TemplateBody } from './inspection'

export type Standing = 'needed' | 'to_come' | 'withheld'

export const isReduced = (one: Pick<Evidence, 'derived'>): boolean => one.derived?.made_by.length === 1 && one.derived.made_by[0] === 'reduced'

/** Gives the rule over the evidence of one inspection. */
export function standings(template: TemplateBody, evidence: Evidence[]): (one: Evidence) => Standing {
  const reduced = new Set(evidence.filter(isReduced).map((one) => one.derived!.from))
  const policy = template.originals ?? 'always'
  const keys = new Map(itemsOf(template).map((item) => [item.code, item.key]))
  return (one) => {
    if (one.derived || one.kind !== 'photo' || !reduced.has(one.id)) return 'needed'
    // What shows no item in particular is as good as key.
    const sent = policy === 'always' || (policy === 'key_items' && (keys.get(one.item_code ?? '') ?? true))
    return sent ? 'to_come' : 'withheld'
  }
}
