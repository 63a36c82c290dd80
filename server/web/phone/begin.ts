/** Beginning an inspection: from an assignment, or from a place and a checklist. Needs no network. */
import type { InspectionKind, Template } from '@shared/inspection'
import { changes, db, device, me } from './core'
import { rowOf, rowsOf } from './engine/db'
import { beginDraft, type Draft, type OfficerName, type PremisesRow } from './engine/draft'
import { askToPersist } from './offline'

export interface AssignmentRow {
  id: string
  premises_id: string
  premises_name: string
  template_id: string
  template_name?: string | null
  kind: InspectionKind
  state: 'open' | 'in_progress' | 'done' | 'cancelled'
  due_on: string
  officers: OfficerName[]
  inspection_id?: string | null
  source?: string | null
  /** Checks done in the same visit. */
  merged?: string[]
}

export const myDrafts = async (): Promise<Draft[]> => {
  const user = me.value
  if (!user) return []
  const drafts = await db().getAllFromIndex('drafts', 'byUser', user.id)
  return drafts.sort((one, other) => other.updated_at.localeCompare(one.updated_at))
}

export const rows = <T>(entity: string): Promise<T[]> => (me.value ? rowsOf<T>(db(), me.value.id, entity) : Promise.resolve([]))
export const row = <T>(entity: string, id: string): Promise<T | undefined> =>
  me.value ? rowOf<T>(db(), me.value.id, entity, id) : Promise.resolve(undefined)

export async function begin(premises: PremisesRow, template: Template, kind: InspectionKind, assignment?: AssignmentRow): Promise<string> {
  const user = me.value
  if (!user) throw new Error('nobody is signed in')
  const self: OfficerName = { id: user.id, display_name: user.display_name }
  // The first officer leads and submits: here that is whoever holds this phone.
  const mine = assignment?.officers.find((officer) => officer.id === user.id) ?? self
  const others = assignment?.officers.filter((officer) => officer.id !== user.id) ?? []
  const officers = [mine, ...others].map(({ id, display_name, certificate_number }) => ({ id, display_name, certificate_number }))
  const draft = beginDraft({ userId: user.id, premises, template, kind, officers, device, assignmentId: assignment?.id })
  await db().put('drafts', JSON.parse(JSON.stringify(draft)) as Draft)
  changes.value += 1
  void askToPersist()
  return draft.id
}

/** A draft and its photos go together. */
export async function discard(id: string): Promise<void> {
  const tx = db().transaction(['drafts', 'files'], 'readwrite')
  for (const key of await tx.objectStore('files').index('byInspection').getAllKeys(id)) await tx.objectStore('files').delete(key)
  await tx.objectStore('drafts').delete(id)
  await tx.done
  changes.value += 1
}
