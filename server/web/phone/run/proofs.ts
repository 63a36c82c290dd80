/** The canteen's own papers beside the items that they prove, from what the phone keeps. */
import type { Bilingual, Template } from '@shared/inspection'
import { itemsOf } from '@shared/inspection'
import type { PaperRow } from '../engine/papers'

export interface Proof { code: string; name: Bilingual; papers: PaperRow[] }

/** Papers shown of a kind; the newest. */
const SHOWN_MAX = 6

/** By item: each kind of paper that the item names, with the premises' newest ones. One that is not there is named without any. */
export function proofsOf(template: Template, premisesId: string, papers: PaperRow[], templates: Template[]): Map<string, Proof[]> {
  const names = new Map(templates.filter((one) => one.audience === 'canteen').map((one) => [one.code, one.name]))
  const by = new Map<string, PaperRow[]>()
  for (const one of papers) if (one.premises_id === premisesId) by.set(one.code, [...(by.get(one.code) ?? []), one])
  for (const list of by.values()) list.sort((one, other) => other.day.localeCompare(one.day) || other.answered_at.localeCompare(one.answered_at))
  const found = new Map<string, Proof[]>()
  for (const item of itemsOf(template.body)) {
    // A paper that this phone does not know by name is not in force here: nothing is said of it.
    const proofs = (item.papers ?? []).flatMap((code) => { const name = names.get(code); return name ? [{ code, name, papers: (by.get(code) ?? []).slice(0, SHOWN_MAX) }] : [] })
    if (proofs.length > 0) found.set(item.code, proofs)
  }
  return found
}

/** Names of papers explain themselves after a colon; beside an item the first part will do. */
export const shortName = (name: string) => name.split(/[：:]/)[0]!
