import type { Inspection, InspectionResult } from '@shared/api/types'

/** A list's row may carry the outcome itself or the whole result. */
export function resultOf(one: Inspection): Partial<InspectionResult> | null {
  if (typeof one.result === 'object' && one.result) return one.result
  const outcome = one.outcome ?? (typeof one.result === 'string' ? one.result : null)
  return outcome ? { outcome, score: one.score ?? null, grade: one.grade ?? undefined } : null
}
export const outcomeOf = (one: Inspection): string | null => resultOf(one)?.outcome ?? null
export const scoreOf = (one: Inspection): number | null => one.score ?? resultOf(one)?.score ?? null

/** What two judgements of the same answers disagree about, by the name of the field. */
export function disagreements(a: Partial<InspectionResult>, b: Partial<InspectionResult>): string[] {
  const fields: (keyof InspectionResult)[] = ['outcome', 'score', 'grade', 'key_failed', 'general_failed', 'not_applicable', 'checked', 'unanswered']
  const plain = (value: unknown) => JSON.stringify(Array.isArray(value) ? [...(value as string[])].sort() : value ?? null)
  return fields.filter((field) => plain(a[field]) !== plain(b[field]))
}

/** The officers' names, the lead first; ids are left out where the list does not name them. */
export function officerNames(one: Pick<Inspection, 'officers'>): string {
  const names = (one.officers ?? []).flatMap((officer) => (typeof officer === 'string' ? [] : [officer.display_name ?? officer.name ?? '']))
  return names.filter(Boolean).join('、') || '—'
}
