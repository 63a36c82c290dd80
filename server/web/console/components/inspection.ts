import type { Inspection, InspectionResult } from '@shared/api/types'
import { text } from '../state/app'

export const outcomeOf = (one: Inspection): string | null => one.outcome ?? null
export const scoreOf = (one: Inspection): number | null => one.score ?? null

/** What two judgements of the same answers disagree about, by the name of the field. */
export function disagreements(a: Partial<InspectionResult>, b: Partial<InspectionResult>): string[] {
  const fields: (keyof InspectionResult)[] = ['outcome', 'score', 'grade', 'key_failed', 'general_failed', 'not_applicable', 'checked', 'unanswered']
  const plain = (value: unknown) => JSON.stringify(Array.isArray(value) ? [...(value as string[])].sort() : value ?? null)
  return fields.filter((field) => plain(a[field]) !== plain(b[field]))
}

/** Whether it still wants something: by the second door what was not made good yet, else what was not there on site. */
export const isLacking = (one: { lacking?: boolean | null; to_complete?: readonly string[] | null }): boolean => one.lacking ?? Boolean(one.to_complete?.length)

/** The officers' names, the lead first. */
export function officerNames(one: Pick<Inspection, 'officers'>): string {
  return one.officers.map((officer) => officer.display_name).join(text('comma')) || '—'
}
