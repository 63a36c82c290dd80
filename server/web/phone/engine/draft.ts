/**
 * An inspection while it is being filled in. A draft holds copies of the premises and of the template's version, so that
 * nothing that changes on the server changes it. Photos and signatures are kept beside it, as the files they are.
 */
import { asked, isGiven, isTouched, lacksOf, type AskedItem, type Lack as AnswerLack } from '@shared/asked'
import { uuidv7 } from '@shared/ids'
import {
  itemsOf,
  type Answer, type Bilingual, type Evidence, type FieldValue, type FieldValues, type Header, type InspectionKind, type Item, type ItemResult, type Judgement,
  type PartContent, type Place, type Signature, type Template, type QuickTest, type SampleTaken, type Visit,
} from '@shared/inspection'
import { judge } from '@shared/judge'
import { draw, drawnSha256, type Drawn, type PaperFrame } from '@shared/paper'
import { joinedVisit, signingLacks, type SigningLack } from '@shared/signing'
import { SHIPPED, type HeldNumber, type Wording } from './paperNumbers'
import { everyAnswer, mergedAnswers, mine, type Team } from './team'

export interface PremisesRow {
  id: string
  name: string
  kind: string
  address?: string | null
  latitude?: number | null
  longitude?: number | null
  organization_id?: string | null
  organization_name?: string | null
  school?: string | null
  diners?: number | null
  risk_grade?: string | null
  open_alerts?: number | null
  operators?: { name: string; part: string; licences?: string[]; licence_expires_on?: string | null }[]
  /** The last inspections, the newest first and with what it found. */
  history?: PastInspection[]
  cameras?: { name: string; state: string }[]
  /** The newest that are open. */
  alerts?: { id: string; kind: string; class: number; state: string; level: string; raised_at: string; due_at?: string | null }[]
  /** Reports of suspected food poisoning that are not ended; left out where one may not know. */
  incidents?: StandingIncident[]
  last_inspection?: { id: string; result?: string | null; happened_at?: string | null; submitted_at?: string | null; answers?: Record<string, PreviousAnswer> } | null
}

/** A report of suspected food poisoning that is not ended, as those on site must know it. Rows of an earlier version do not say what is sealed. */
export interface StandingIncident {
  id: string
  state: string
  level: string
  reported_at: string
  people: number
  stops: string[]
  sealed?: { measure: string; name: string; quantity: string; place: string; seal_number?: string | null }[]
}

/** What the last inspection of a premises said at an item. */
export interface PreviousAnswer { result?: ItemResult; remark?: string; number?: number; values?: FieldValues }

export interface PastInspection {
  id: string
  kind: InspectionKind
  template_id: string
  outcome?: string | null
  submitted_at: string
  score?: number | null
  failed?: number | null
  findings?: { item_code: string; remark?: string | null; affects_safety?: boolean | null; corrected_on_spot?: boolean | null }[]
}

/** As `server/src/evidence/receipt.rs`; `bright-kitchen verify` proves it. */
export interface Receipt { manifest: { received_at: string; key: { fingerprint: string }; [member: string]: unknown }; signature: string }

export interface OfficerName { id: string; display_name: string; certificate_number?: string | null }

/** An answer being given: nothing is required yet. */
export interface DraftAnswer {
  result?: ItemResult
  remark?: string
  reason?: string
  number?: number | null
  /** Of the item's fields, as typed and chosen; what is hidden stays here and is not sent. */
  values?: Record<string, FieldValue | null>
  affects_safety?: boolean
  corrected_on_spot?: boolean
  answered_at: string
  evidence_ids: string[]
}

export interface Draft {
  /** The inspection's id, made here. */
  id: string
  part_id: string
  user_id: string
  kind: InspectionKind
  premises: PremisesRow
  template: Template
  assignment_id?: string
  officers: OfficerName[]
  device: { id: string; model?: string }
  started_at: string
  updated_at: string
  answers: Record<string, DraftAnswer>
  evidence: Evidence[]
  places: Place[]
  signatures: Signature[]
  /** `filling` until submitted; then the outbox has it; `sent` once the server has all of it. */
  stage: 'filling' | 'queued' | 'sent'
  /** Counts up each time it is submitted with other content. */
  revision: number
  /** What the server answered. */
  server_result?: Judgement
  differs?: boolean
  /** What the server marked as to be completed. */
  to_complete?: SigningLack[]
  submitted_at?: string
  /** Brought to a supervisor, because it could not be sent any more. */
  handed_over?: boolean
  /** Where the officer was, to go on from there. */
  position?: string
  /** Several officers, each on a phone of their own. */
  team?: Team
  /** What happened at the door. */
  visit?: Visit
  samples?: SampleTaken[]
  quick_tests?: QuickTest[]
  /** What the record was drawn with. */
  frame?: PaperFrame
  /** As the server drew it again; null where it says nothing of it. */
  drawn_sha256?: string | null
  drawn_differs?: boolean
  /** What the server says it received, signed. */
  receipt?: Receipt | null
  /** A re-check (复查): the order whose items are looked at again, with what was asked and answered, as it stood when it was begun. */
  order?: RecheckOrder
  /** A paper of the canteen's own, not an inspection: the day and the meal it speaks of. */
  paper?: { day: string; slot: string }
}

export interface RecheckItem { item_code: string; finding: string; requirement: string; accepted: boolean; answers: { round: number; text?: string | null; evidence: { id: string }[]; accepted?: boolean | null; note?: string | null; answered_at: string }[] }
export interface RecheckOrder { id: string; document_number?: string | null; item_list: RecheckItem[] }

/** Whether an item is looked at in a re-check; any is, where it is none. */
export function inRecheck(draft: Draft, code: string): boolean {
  return !draft.order || draft.order.item_list.some((item) => item.item_code === code)
}

/** A photo or a signature: the file as taken, untouched, and a small picture of it for the screen. */
export interface StoredFile {
  id: string
  inspection_id: string
  user_id: string
  /** Removed only after the server has everything. */
  blob: Blob | null
  preview: Blob | null
  sha256: string
  filetype: string
  bytes: number
}

export interface Beginning {
  userId: string
  premises: PremisesRow
  template: Template
  kind: InspectionKind
  officers: OfficerName[]
  device: { id: string; model?: string }
  assignmentId?: string
  paper?: Draft['paper']
  now?: Date
}

export function beginDraft(from: Beginning): Draft {
  const now = (from.now ?? new Date()).toISOString()
  return {
    id: uuidv7(), part_id: uuidv7(), user_id: from.userId, kind: from.kind, premises: from.premises, template: from.template,
    assignment_id: from.assignmentId, officers: from.officers, device: from.device, started_at: now, updated_at: now,
    answers: {}, evidence: [], places: [], signatures: [], stage: 'filling', revision: 1, ...(from.paper ? { paper: from.paper } : {}),
  }
}

/** Changes one answer. What no longer fits the result goes: flags of a failure, the reason of an item that does not apply. */
export function answer(draft: Draft, code: string, change: Partial<DraftAnswer>, now = new Date()): void {
  const before = draft.answers[code] ?? { answered_at: now.toISOString(), evidence_ids: [] }
  const next: DraftAnswer = { ...before, ...change, answered_at: now.toISOString() }
  if (change.result && change.result !== before.result) {
    if (change.result !== 'fails') {
      delete next.affects_safety
      delete next.corrected_on_spot
    }
    // Why an item does not apply is no reason why a failure affects safety, nor the other way round.
    if (before.result !== undefined) delete next.reason
  }
  draft.answers[code] = next
  touch(draft, now)
}

/** Without the control characters that no paper holds and the server refuses; a line's end and a tab stay. */
export function clean(typed: string): string {
  return typed.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, '').replace(/\r\n?/g, '\n')
}

/** A draft that was changed after signing is no longer what was signed. */
export function touch(draft: Draft, now = new Date()): void {
  draft.updated_at = now.toISOString()
}

/** Everything that was answered on this phone, asked or not, in the order of the paper. */
export function givenAnswers(draft: Draft): Answer[] {
  return itemsOf(draft.template.body).flatMap((item) => {
    const given = draft.answers[item.code]
    return given ? [wireAnswer(item, given)] : []
  })
}

/** What the checklist asks now, item by item: conditions look at the answers of all officers, as far as they are known here. */
export function askedNow(draft: Draft): AskedItem[] {
  return asked(draft.template.body, everyAnswer(draft))
}

/** Of answers those that are asked, judged items with a result and plain questions with anything at all. */
function asAsked(draft: Draft, answers: Answer[]): Answer[] {
  const shown = askedNow(draft)
  const given = new Map(answers.map((answer) => [answer.item_code, answer]))
  return itemsOf(draft.template.body).flatMap((item, index) => {
    const answer = given.get(item.code)
    const ask = shown[index]
    if (!answer || !ask?.shown || !(item.question ? isTouched(answer) : answer.result)) return []
    if (!answer.values) return [answer]
    const hidden = new Set((item.fields ?? []).filter((_, place) => !ask.fields[place]?.shown).map((field) => field.code))
    const values = Object.fromEntries(Object.entries(answer.values).filter(([code]) => !hidden.has(code)))
    const { values: _all, ...rest } = answer
    return [Object.keys(values).length > 0 ? { ...rest, values } : rest]
  })
}

/** The answers that count: of all officers, where the lead has joined their parts. */
export function judgedAnswers(draft: Draft): Answer[] {
  return asAsked(draft, mergedAnswers(draft))
}

/** What this phone sends. */
export function ownAnswers(draft: Draft): Answer[] {
  return asAsked(draft, givenAnswers(draft))
}

function wireAnswer(item: Item, given: DraftAnswer): Answer {
  const wire: Answer = { item_code: item.code, answered_at: given.answered_at, evidence_ids: [...given.evidence_ids] }
  if (given.result && !item.question) wire.result = given.result
  if (given.remark?.trim()) wire.remark = given.remark.trim()
  if (given.reason?.trim()) wire.reason = given.reason.trim()
  if (typeof given.number === 'number' && Number.isFinite(given.number)) wire.number = given.number
  const values: FieldValues = {}
  for (const [code, value] of Object.entries(given.values ?? {})) {
    const meant = typeof value === 'string' ? value.trim() : Array.isArray(value) ? [...value] : value
    if (isGiven(meant) && item.fields?.some((field) => field.code === code)) values[code] = meant
  }
  if (Object.keys(values).length > 0) wire.values = values
  if (wire.result === 'fails' && given.affects_safety !== undefined) wire.affects_safety = given.affects_safety
  if (wire.result === 'fails' && given.corrected_on_spot !== undefined) wire.corrected_on_spot = given.corrected_on_spot
  return wire
}

export function result(draft: Draft): Judgement {
  return judge(draft.template.body, judgedAnswers(draft))
}

export type Lack = AnswerLack | 'photo' | 'photos'

/** What an item still needs before anybody signs, with its photos; empty when it is done or not asked. */
export function lacks(item: Item, given: DraftAnswer | undefined, kind: InspectionKind, ask: AskedItem = asks(item)): Lack[] {
  const missing: Lack[] = lacksOf(item, given && wireAnswer(item, given), ask, kind)
  if (!ask.shown || !given || missing.includes('answer') || given.result === 'not_applicable') return missing
  const photos = given.evidence_ids.length
  if (given.result === 'fails' && item.photo_on_fail && photos === 0) missing.push('photo')
  const begun = given.result !== undefined || isTouched(wireAnswer(item, given))
  if (begun && photos < (item.min_photos ?? 0) && !missing.includes('photo')) missing.push('photos')
  return missing
}

/** An item without conditions. */
const asks = (item: Item): AskedItem => ({ shown: true, required: item.required ?? false, fields: (item.fields ?? []).map((field) => ({ shown: true, required: field.required ?? false })) })

/** Whether an item counts as answered: a judged one has a result, a plain question anything at all. */
export function isAnswered(item: Item, given: DraftAnswer | undefined): boolean {
  return item.question ? given !== undefined && isTouched(wireAnswer(item, given)) : given?.result !== undefined
}

export interface Missing { item: Item; lacks: Lack[] }

export function missing(draft: Draft): Missing[] {
  const shown = askedNow(draft)
  // What another officer answered whole is not missing; what this one began is.
  const others = new Set((draft.team?.parts ?? []).flatMap((part) => part.content.answers.map((one) => one.item_code)))
  return itemsOf(draft.template.body)
    .map((item, index) => ({ item, given: draft.answers[item.code], ask: shown[index] }))
    .filter(({ item, given }) => mine(draft, item.code) || given)
    .map(({ item, given, ask }) => {
      if (others.has(item.code) && !isAnswered(item, given)) return { item, lacks: [] }
      const wanted = lacks(item, given, draft.kind, ask)
      // A re-check may leave all other items out, but none of its order's.
      const unseen = draft.order && inRecheck(draft, item.code) && ask?.shown && !isAnswered(item, given) && !wanted.includes('answer')
      return { item, lacks: unseen ? (['answer', ...wanted] as Lack[]) : wanted }
    })
    .filter((entry) => entry.lacks.length > 0)
}

export interface Progress { answered: number; total: number; failed: number }

/** How far it is, of the items that are asked. */
export function progress(draft: Draft, items: Item[] = askedItems(draft)): Progress {
  return {
    total: items.length,
    answered: items.filter((item) => isAnswered(item, draft.answers[item.code])).length,
    failed: items.filter((item) => draft.answers[item.code]?.result === 'fails').length,
  }
}

/** The items that are asked now. */
export function askedItems(draft: Draft): Item[] {
  const shown = askedNow(draft)
  return itemsOf(draft.template.body).filter((_, index) => shown[index]?.shown)
}

/** What the law asks for on site and is not there yet, of all phones as far as they are known here. */
export function toComplete(draft: Draft): SigningLack[] {
  const officers = draft.officers.map((officer) => ({ id: officer.id, name: officer.display_name }))
  const parts = [{ signatures: draft.signatures, visit: draft.visit }, ...(draft.team?.parts ?? []).map((part) => part.content)]
  return signingLacks(officers, parts, judgedAnswers(draft))
}

/** Outside the range that conforms: a hint, never a refusal. */
export function outOfRange(item: Item, value: number | null | undefined): boolean {
  return item.number ? outside(item.number, value) : false
}

export function outside({ min, max }: { min?: number | null; max?: number | null }, value: FieldValue | null | undefined): boolean {
  if (typeof value !== 'number') return false
  return (typeof min === 'number' && value < min) || (typeof max === 'number' && value > max)
}

/** What the record is drawn with: names as this phone has them, wording, a number. Kept in the draft from the first drawing on. */
export function frameOf(draft: Draft, wording?: Wording, number?: HeldNumber, drawnAt = draft.updated_at): PaperFrame {
  const office = wording?.offices.find((one) => one.office_id === draft.premises.organization_id)
  const frame: PaperFrame = {
    drawn_at: drawnAt,
    bureau: office?.bureau ?? draft.premises.organization_name ?? '',
    title: wording?.title || SHIPPED.title,
    statement: wording?.statement || SHIPPED.statement,
    premises: { name: draft.premises.name },
    officers: draft.officers.map((one) => ({ id: one.id, name: one.display_name, ...(one.certificate_number ? { certificate: one.certificate_number } : {}) })),
    template_name: draft.template.name.zh,
    template_version: draft.template.version,
  }
  if (draft.premises.address) frame.premises.address = draft.premises.address
  // Who runs it answers for it: a contractor before the owner, and never a supplier.
  const parts = draft.premises.operators ?? []
  const operator = (parts.find((one) => one.part === 'contractor') ?? parts.find((one) => one.part === 'own'))?.name ?? draft.premises.school
  if (operator) frame.premises.operator = operator
  if (number) frame.number = number
  return frame
}

/** The record as it is shown to whoever signs, and what their signature covers. */
export function drawnOf(draft: Draft): Drawn {
  const others = draft.team?.parts ?? []
  return draw(draft.frame ?? frameOf(draft), {
    inspection_id: draft.id, header: header(draft), template: draft.template.body, answers: judgedAnswers(draft),
    evidence: [...draft.evidence, ...others.flatMap((part) => part.content.evidence)],
    samples: [...(draft.samples ?? []), ...others.flatMap((part) => part.content.samples ?? [])],
    quick_tests: [...(draft.quick_tests ?? []), ...others.flatMap((part) => part.content.quick_tests ?? [])],
    visit: joinedVisit([...(draft.visit ? [draft.visit] : []), ...others.flatMap((part) => part.content.visit ?? [])]),
  })
}

export function shownSha256(draft: Draft): Promise<string> {
  return drawnSha256(drawnOf(draft))
}

export function header(draft: Draft): Header {
  if (draft.team) return { ...draft.team.header }
  const made: Header = {
    premises_id: draft.premises.id, template_id: draft.template.id, kind: draft.kind, started_at: draft.started_at,
    officers: draft.officers.map((officer) => officer.id), device: { ...draft.device },
  }
  if (draft.assignment_id) made.assignment_id = draft.assignment_id
  return made
}

export function partContent(draft: Draft, clock: PartContent['clock']): PartContent {
  return {
    device_id: draft.device.id, answers: ownAnswers(draft), evidence: draft.evidence.map((one) => ({ ...one })),
    locations: draft.places.map((one) => ({ ...one })), signatures: draft.signatures.map((one) => ({ ...one })), clock, ...(draft.visit ? { visit: draft.visit } : {}),
    ...(draft.samples?.length ? { samples: draft.samples } : {}), ...(draft.quick_tests?.length ? { quick_tests: draft.quick_tests } : {}),
    ...(draft.frame ? { paper: draft.frame } : {}),
  }
}

/** The text of a language, for copies of rows that hold both. */
export function text(value: Bilingual, english: boolean): string {
  return english ? value.en : value.zh
}
