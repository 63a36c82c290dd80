/** Beginning an inspection: from an assignment, or from a place and a checklist. Needs no network. */
import type { Header, InspectionKind, Template } from '@shared/inspection'
import { changes, db, device, me, safe } from './core'
import { forgotten } from './engine/backup'
import { beginDraft, type Draft, type OfficerName, type PremisesRow, type RecheckOrder } from './engine/draft'
import { giveBack } from './engine/paperNumbers'
import { join, type Invitation, type JoinFault } from './engine/team'
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
  /** The rectification order that a re-check looks at again. */
  order_id?: string | null
  /** Checks done in the same visit. */
  merged?: string[]
}

export const myDrafts = async (): Promise<Draft[]> => {
  const drafts = me.value ? (await safe().drafts()).filter((one) => !one.paper) : []
  return drafts.sort((one, other) => other.updated_at.localeCompare(one.updated_at))
}

export const rows = <T>(entity: string): Promise<T[]> => (me.value ? safe().rows<T>(entity) : Promise.resolve([]))
export const row = <T>(entity: string, id: string): Promise<T | undefined> =>
  me.value ? safe().row<T>(entity, id) : Promise.resolve(undefined)

/** An inspection as lists show it; one that is under way comes with its header. */
export interface InspectionRow {
  id: string
  assignment_id?: string | null
  premises_id: string
  premises_name: string
  template_id: string
  state: 'draft' | 'submitted' | 'complete'
  started_at: string
  submitted_at?: string | null
  outcome?: string | null
  score?: number | null
  grade?: string | null
  officers: OfficerName[]
  header?: Header
}

/** An inspection of this officer's that somebody else began and leads, as sync told of it. */
export async function begunByOther(where: { assignment_id?: string; premises_id?: string }): Promise<InspectionRow | undefined> {
  const user = me.value
  const all = await rows<InspectionRow>('inspection')
  return all.find((one) => one.state === 'draft' && one.header && one.header.officers[0] !== user?.id && one.header.officers.includes(user?.id ?? '')
    && (where.assignment_id ? one.assignment_id === where.assignment_id : one.premises_id === where.premises_id))
}

export async function invitationOf(found: InspectionRow): Promise<Invitation> {
  const premises = (await row<PremisesRow>('premises', found.premises_id)) ?? { id: found.premises_id, name: found.premises_name, kind: 'other' }
  return { id: found.id, header: found.header!, premises, officers: found.officers, sections: {} }
}

/** Joins what somebody else leads. Joined before, it goes on there. */
export async function joinInspection(from: Invitation): Promise<{ id: string; known: boolean } | { fault: JoinFault }> {
  const user = me.value
  if (!user) throw new Error('nobody is signed in')
  const before = await safe().draft(from.id)
  if (before) {
    // The sections may have been given out anew since.
    if (before.team?.role === 'member' && Object.keys(from.sections).length > 0) await safe().putDraft({ ...before, team: { ...before.team, sections: from.sections } })
    return { id: from.id, known: true }
  }
  const template = await row<Template>('template', from.header.template_id)
  const premises = await row<PremisesRow>('premises', from.header.premises_id)
  const draft = join({ ...from, premises: premises ?? from.premises }, { id: user.id, display_name: user.display_name }, template, device)
  if (typeof draft === 'string') return { fault: draft }
  await safe().putDraft(JSON.parse(JSON.stringify(draft)) as Draft)
  changes.value += 1
  void askToPersist()
  return { id: draft.id, known: false }
}

/** Officers this phone knows of: from assignments and from inspections that were made together. */
export async function colleagues(): Promise<OfficerName[]> {
  const seen = new Map<string, OfficerName>()
  for (const one of [...(await rows<AssignmentRow>('assignment')), ...(await rows<InspectionRow>('inspection'))]) for (const officer of one.officers ?? []) if (officer.id !== me.value?.id) seen.set(officer.id, officer)
  return [...seen.values()].map(({ id, display_name, certificate_number }) => ({ id, display_name, certificate_number })).slice(0, 50)
}

export async function begin(premises: PremisesRow, template: Template, kind: InspectionKind, assignment?: AssignmentRow, door?: string): Promise<string> {
  const user = me.value
  if (!user) throw new Error('nobody is signed in')
  // Somebody else has begun the same assignment: it is one inspection, on two phones.
  const begun = assignment ? await begunByOther({ assignment_id: assignment.id }) : undefined
  if (begun) {
    const joined = await joinInspection(await invitationOf(begun))
    if ('id' in joined) return joined.id
  }
  const self: OfficerName = { id: user.id, display_name: user.display_name }
  // The first officer leads and submits: here that is whoever holds this phone.
  const mine = assignment?.officers.find((officer) => officer.id === user.id) ?? self
  const others = assignment?.officers.filter((officer) => officer.id !== user.id) ?? []
  const officers = [mine, ...others].map(({ id, display_name, certificate_number }) => ({ id, display_name, certificate_number }))
  const draft = beginDraft({ userId: user.id, premises, template, kind, officers, device, assignmentId: assignment?.id })
  const order = assignment?.order_id ? await row<RecheckOrder>('order', assignment.order_id) : undefined
  if (order) draft.order = { id: order.id, document_number: order.document_number, item_list: order.item_list }
  // Whoever came by the code at the door has opened the visit with it.
  if (door) draft.visit = { opened: { premises_id: premises.id, mark: door, device_time: draft.started_at } }
  await safe().putDraft(JSON.parse(JSON.stringify(draft)) as Draft)
  changes.value += 1
  void askToPersist()
  return draft.id
}

/** A draft and its photos go together. */
export async function discard(id: string): Promise<void> {
  const gone = await safe().draft(id)
  if (gone?.stage === 'filling') await giveBack(db(), gone.user_id, gone.frame?.number)
  await forgotten(safe(), id)
  const tx = db().transaction(['drafts', 'files'], 'readwrite')
  for (const key of await tx.objectStore('files').index('byInspection').getAllKeys(id)) await tx.objectStore('files').delete(key)
  await tx.objectStore('drafts').delete(id)
  await tx.done
  changes.value += 1
}
