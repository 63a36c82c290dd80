/**
 * One inspection, several officers, each on a phone of their own. They share the header, made once by the lead and the same on
 * every phone; each owns a part. The lead joins the parts as the server has them, chooses where two say different things, and
 * submits. Needs no network but for the parts to meet.
 */
import { uuidv7 } from '@shared/ids'
import { LIMITS, itemsOf, type Answer, type Header, type PartContent, type Template } from '@shared/inspection'
import { beginDraft, givenAnswers, header, ownAnswers, type Draft, type OfficerName, type PremisesRow } from './draft'

/** Another officer's part, as the server has it. */
export interface TeamPart { id: string; owner_id: string; owner_name: string; revision: number; content_sha256: string; content: PartContent
  /** Came from phone to phone; the server may not have it yet. */
  carried?: boolean }

export interface Team {
  role: 'lead' | 'member'
  /** As the lead made it: its hash is what all phones agree on. */
  header: Header
  /** Section to officer; one that is not named is the lead's. */
  sections: Record<string, string>
  /** Of the others; on the lead's phone. */
  parts: TeamPart[]
  /** Item to part, where two say different things. */
  choices: Record<string, string>
}

/**
 * `mine` is what this phone had of it. A draft that came from another phone of the same officer is a part of its own from here on: what both phones send is kept, and
 * where they differ the officer chooses. The header stays the one that was made first.
 */
export function adopt(draft: Draft, device: Draft['device'], mine?: Draft): Draft {
  if (draft.device.id === device.id) return draft
  // A paper of the canteen's own is one body: whoever goes on with it sends it.
  if (draft.paper) return { ...draft, device: { ...device } }
  const part_id = mine?.part_id ?? uuidv7()
  const team = draft.team ?? mine?.team ?? alone(draft)
  return {
    ...draft, part_id, device: { ...device }, revision: Math.max(mine?.revision ?? 1, 1),
    // What this phone sent before is its own part, not another's.
    team: { ...team, parts: team.parts.filter((part) => part.id !== part_id) },
  }
}

/** One officer, several phones: a lead with nobody else. */
const alone = (draft: Draft): Team => ({ role: 'lead', header: { ...header(draft) }, sections: {}, parts: [], choices: {} })

/** The server has parts that this phone does not know: from now on they are looked at together. */
export function meet(draft: Draft): Draft {
  return draft.team ? draft : { ...draft, team: alone(draft) }
}

/** What the lead's phone shows as a code. */
export interface Invitation {
  id: string
  header: Header
  premises: Pick<PremisesRow, 'id' | 'name' | 'kind' | 'address' | 'latitude' | 'longitude'>
  officers: OfficerName[]
  sections: Record<string, string>
}

const PREFIX = 'bk:join:1:'

/** Makes a draft one that others join. From here on the header is fixed. */
export function share(draft: Draft, officers: OfficerName[], sections: Record<string, string>): void {
  draft.officers = officers.slice(0, LIMITS.officers)
  draft.team = { role: 'lead', header: { ...header({ ...draft, team: undefined }) }, sections, parts: [], choices: {} }
}

export function invitation(draft: Draft): string {
  const { id, name, kind, address, latitude, longitude } = draft.premises
  // Officers stand in the header; the code names each section's by number, so that it stays small enough to be read off a glass.
  const ids = draft.officers.map((officer) => officer.id)
  const sections = Object.entries(draft.team!.sections).map(([section, officer]) => [section, ids.indexOf(officer)])
  const officers = draft.officers.map((officer) => [officer.display_name, officer.certificate_number ?? ''])
  return PREFIX + JSON.stringify({ i: draft.id, h: draft.team!.header, p: { id, name, kind, address, latitude, longitude }, o: officers, s: sections })
}

/** What a code says, or null where it is no invitation. */
export function readInvitation(text: string): Invitation | null {
  if (!text.startsWith(PREFIX)) return null
  try {
    const { i, h, p, o, s } = JSON.parse(text.slice(PREFIX.length)) as { i: string; h: Header; p: Invitation['premises']; o: [string, string][]; s: [string, number][] }
    if (typeof i !== 'string' || !Array.isArray(h?.officers) || typeof p?.name !== 'string') return null
    const officers = h.officers.map((id, index) => ({ id, display_name: o[index]?.[0] ?? '', certificate_number: o[index]?.[1] || undefined }))
    return { id: i, header: h, premises: p, officers, sections: Object.fromEntries(s.flatMap(([section, at]) => (h.officers[at] ? [[section, h.officers[at]]] : []))) }
  } catch {
    return null
  }
}

export type JoinFault = 'notNamed' | 'noTemplate' | 'isLead'

/** A draft of one's own for an inspection that somebody else leads. */
export function join(from: Invitation, me: OfficerName, template: Template | undefined, device: Draft['device'], now = new Date()): Draft | JoinFault {
  if (!from.header.officers.includes(me.id)) return 'notNamed'
  if (from.header.officers[0] === me.id) return 'isLead'
  if (!template || template.id !== from.header.template_id) return 'noTemplate'
  const draft = beginDraft({ userId: me.id, premises: from.premises, template, kind: from.header.kind, officers: from.officers, device, assignmentId: from.header.assignment_id, now })
  return { ...draft, id: from.id, part_id: uuidv7(), team: { role: 'member', header: from.header, sections: from.sections, parts: [], choices: {} } }
}

/** What two answers must share to be one. Of a plain question that is what it says; the figures of a judged item may differ. */
function judgedAs(one: Answer): string {
  const values = Object.entries(one.values ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify([one.result ?? null, one.affects_safety ?? false, one.corrected_on_spot ?? false, one.result ? null : [values, one.number ?? null]])
}

export interface Merged { answers: Answer[]; undecided: string[] }

/** As `mobile-api/src/merge.rs`: both answers are kept, the lead's choice counts, without one the first part's. */
export function merge(parts: { id: string; answers: Answer[] }[], choices: Record<string, string>): Merged {
  const byItem = new Map<string, { part: string; answer: Answer }[]>()
  for (const part of parts) for (const answer of part.answers) byItem.set(answer.item_code, [...(byItem.get(answer.item_code) ?? []), { part: part.id, answer }])
  const merged: Merged = { answers: [], undecided: [] }
  for (const [code, given] of byItem) {
    const chosen = given.find((one) => one.part === choices[code])
    if (!chosen && given.some((one) => judgedAs(one.answer) !== judgedAs(given[0]!.answer))) merged.undecided.push(code)
    merged.answers.push((chosen ?? given[0]!).answer)
  }
  return merged
}

const partsOf = (draft: Draft) => [{ id: draft.part_id, answers: ownAnswers(draft) }, ...(draft.team?.parts ?? []).map((part) => ({ id: part.id, answers: part.content.answers }))]

/** Everything that was answered by all officers, asked or not: what conditions look at. */
export function everyAnswer(draft: Draft): Answer[] {
  if (!draft.team || draft.team.parts.length === 0) return givenAnswers(draft)
  const others = draft.team.parts.map((part) => ({ id: part.id, answers: part.content.answers }))
  return merge([{ id: draft.part_id, answers: givenAnswers(draft) }, ...others], draft.team.choices).answers
}

/** The answers that count, in the order of the checklist. */
export function mergedAnswers(draft: Draft): Answer[] {
  if (draft.team?.role !== 'lead' || draft.team.parts.length === 0) return ownAnswers(draft)
  const byCode = new Map(merge(partsOf(draft), draft.team.choices).answers.map((answer) => [answer.item_code, answer]))
  return itemsOf(draft.template.body).flatMap((item) => byCode.get(item.code) ?? [])
}

/** Items where two parts say different things and nobody has chosen. */
export function undecided(draft: Draft): string[] {
  return draft.team?.role === 'lead' ? merge(partsOf(draft), draft.team.choices).undecided : []
}

export interface Differing { code: string; given: { part: string; owner: string; elsewhere: boolean; answer: Answer }[]; chosen?: string }

/** Every item that several parts answer differently, chosen or not. */
export function differing(draft: Draft): Differing[] {
  if (draft.team?.role !== 'lead') return []
  const { choices, parts } = draft.team
  const names = new Map([[draft.part_id, draft.officers[0]?.display_name ?? ''], ...parts.map((part) => [part.id, part.owner_name] as const)])
  /** From another phone of the officer's own. */
  const away = new Set(parts.filter((part) => part.owner_id === draft.user_id).map((part) => part.id))
  return merge(partsOf(draft), {}).undecided.map((code) => ({
    code,
    chosen: choices[code],
    given: partsOf(draft).flatMap((part) => part.answers.filter((answer) => answer.item_code === code).map((answer) => ({ part: part.id, owner: names.get(part.id) ?? '', elsewhere: away.has(part.id), answer }))),
  }))
}

/** Whether an item is this officer's to answer: a member's are those of their sections; the lead answers for all. */
export function mine(draft: Draft, code: string): boolean {
  const { team } = draft
  if (team?.role !== 'member') return true
  const section = draft.template.body.sections.find((one) => one.items.some((item) => item.code === code))
  return section !== undefined && team.sections[section.code] === draft.user_id
}

/** Halves the sections between two officers, the first half to the lead. */
export function divide(template: Template, officers: OfficerName[]): Record<string, string> {
  const { sections } = template.body
  const [, ...others] = officers
  if (others.length === 0) return {}
  const each = Math.ceil(sections.length / officers.length)
  return Object.fromEntries(sections.flatMap((section, index) => {
    const officer = officers[Math.floor(index / each)]
    return officer && officer.id !== officers[0]!.id ? [[section.code, officer.id]] : []
  }))
}

export interface TeamAnswer { state: string; parts: TeamPart[] }

/** A part that came from phone to phone; an older one of the same officer's phone gives way. */
export function carry(draft: Draft, part: TeamPart): void {
  const { team } = draft
  if (!team || team.parts.some((one) => one.id === part.id && one.revision >= part.revision)) return
  team.parts = [...team.parts.filter((one) => one.id !== part.id), part]
}

/** What the others have sent by now; null where the server knows nothing of the inspection yet. Choices for parts that went are dropped. */
export function takeParts(draft: Draft, answer: TeamAnswer): void {
  const { team } = draft
  if (!team) return
  const there = answer.parts.filter((part) => part.id !== draft.part_id)
  const ahead = (part: TeamPart) => part.carried === true && !there.some((one) => one.id === part.id && one.revision >= part.revision)
  const carried = team.parts.filter(ahead)
  team.parts = [...there.filter((part) => !carried.some((one) => one.id === part.id)), ...carried]
  const known = new Set([draft.part_id, ...team.parts.map((part) => part.id)])
  team.choices = Object.fromEntries(Object.entries(team.choices).filter(([, part]) => known.has(part)))
}
