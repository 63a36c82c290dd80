/**
 * The canteen's own papers on the phone: what is due, what is done, and how a new one begins. What is due comes from the server
 * for the next weeks, so that it is known without a network; what is done is looked up here, sent or not.
 */
import { call, type Sender } from '@shared/api/call'
import { getSelfCheckDuties } from '@shared/api/generated.operations'
import { isoDay } from '@shared/time'
import type { Bilingual, FieldValues, Template } from '@shared/inspection'
import { itemsOf } from '@shared/inspection'
import { beginDraft, type Draft, type DraftAnswer, type PremisesRow } from './draft'
import type { Safe } from './safe'

export interface Sample { self_check_id: string; position: number; dish: string; meal: string; kept_by: string; weight_g?: number | null; kept_at: string; due_at: string; discarded_at?: string | null; discarded_by_name?: string | null; held?: boolean }

/** A paper as sync brings it. */
export interface PaperRow {
  id: string; premises_id: string; template_id: string; code: string; day: string; slot: string; made_by_name: string
  answered_at: string; received_at: string; problems: number; photos: number
  answers: Record<string, { values?: FieldValues; number?: number; remark?: string }>
  samples?: Sample[]
}

export interface Duty { code: string; day: string; slot: string; due_at: string; state: string; self_check_id?: string | null }
export interface PaperKind {
  code: string; name: Bilingual; template_id: string; every: 'serving_day' | 'week' | 'month' | 'as_needed'; slots: string[]; head: boolean
  carry: string[]; all_well: Record<string, string>
}
export interface PremisesDuties { premises_id: string; premises_name: string; duties: Duty[]; papers: PaperKind[] }

const DAY_MS = 86_400_000
export const DAYS_BACK = 14
const DAYS_AHEAD = 40
const PREMISES_MAX = 20

/** Asks what is due at each premises of this person's and keeps it. */
export async function fetchDuties(safe: Safe, api: Sender, now = Date.now()): Promise<void> {
  const premises = (await safe.rows<PremisesRow>('premises')).slice(0, PREMISES_MAX)
  for (const one of premises) {
    const got = await call(api, getSelfCheckDuties, {
      query: { premises_id: one.id, from: isoDay(now - DAYS_BACK * DAY_MS), to: isoDay(now + DAYS_AHEAD * DAY_MS) },
    })
    const value = got.items[0]
    if (value) await safe.db.put('rows', await safe.sealRow({ user_id: safe.userId, entity: 'duties', id: one.id, value, generation: '' }))
    else await safe.db.delete('rows', [safe.userId, 'duties', one.id])
  }
}

/** One line of the list: a paper that is due, with what there is of it. */
export interface Line {
  key: string; premises_id: string; premises_name: string; kind: PaperKind; day: string; slot: string; due_at?: string
  state: 'missing' | 'waiting' | 'draft' | 'queued' | 'done'
  /** The draft, or the paper that was sent. */
  id?: string
}

export interface Agenda { late: Line[]; today: Line[]; soon: Line[]; any: Line[]; done: number; all: number }

/** What is late, what is to be done today, what comes up this week and month, and what is made whenever there is need. */
export function agenda(duties: PremisesDuties[], papers: PaperRow[], drafts: Draft[], mine: (kind: PaperKind) => boolean, now = Date.now()): Agenda {
  const today = isoDay(now)
  const made = new Map<string, { state: Line['state']; id: string }>()
  const key = (premises: string, code: string, day: string, slot: string) => `${premises}/${code}/${day}/${slot}`
  for (const one of papers) made.set(key(one.premises_id, one.code, one.day, one.slot), { state: 'done', id: one.id })
  for (const one of drafts) {
    if (!one.paper) continue
    const at = key(one.premises.id, one.template.code, one.paper.day, one.paper.slot)
    if (one.stage !== 'sent' && made.get(at)?.state !== 'done') made.set(at, { state: one.stage === 'queued' ? 'queued' : 'draft', id: one.id })
    else if (!made.has(at)) made.set(at, { state: 'done', id: one.id })
  }
  const found: Agenda = { late: [], today: [], soon: [], any: [], done: 0, all: 0 }
  for (const place of duties) {
    const kinds = new Map(place.papers.filter(mine).map((kind) => [kind.code, kind]))
    for (const duty of place.duties) {
      const kind = kinds.get(duty.code)
      if (!kind) continue
      const at = key(place.premises_id, duty.code, duty.day, duty.slot)
      const has = made.get(at)
      const over = Date.parse(duty.due_at) < now
      const line: Line = {
        key: at, premises_id: place.premises_id, premises_name: place.premises_name, kind, day: duty.day, slot: duty.slot, due_at: duty.due_at,
        state: has?.state ?? (over ? 'missing' : 'waiting'), id: has?.id,
      }
      const done = line.state === 'done' || line.state === 'queued'
      const dueOn = isoDay(duty.due_at)
      if (over && !done && dueOn < today) found.late.push(line)
      else if (dueOn === today) {
        found.today.push(line)
        found.all += 1
        found.done += Number(done)
      } else if (dueOn > today && kind.every !== 'serving_day' && duty.day <= today) found.soon.push(line)
    }
    for (const kind of kinds.values()) {
      if (kind.every !== 'as_needed') continue
      const begun = drafts.find((one) => one.paper && one.stage === 'filling' && one.template.code === kind.code && one.premises.id === place.premises_id)
      found.any.push({
        key: key(place.premises_id, kind.code, today, ''), premises_id: place.premises_id, premises_name: place.premises_name, kind, day: today, slot: '',
        state: begun ? 'draft' : 'waiting', id: begun?.id,
      })
    }
  }
  found.late.sort((one, other) => (one.due_at ?? '').localeCompare(other.due_at ?? ''))
  // What is done goes down; what is due first stays on top.
  found.today.sort((one, other) => Number(one.state === 'done' || one.state === 'queued') - Number(other.state === 'done' || other.state === 'queued') || (one.due_at ?? '').localeCompare(other.due_at ?? ''))
  return found
}

/** Samples that were kept their 48 hours and are not evidence, the oldest first. */
export function samplesOver(papers: PaperRow[], gone: Set<string>, now = Date.now()): Sample[] {
  return papers.flatMap((one) => one.samples ?? [])
    .filter((one) => !one.discarded_at && !one.held && Date.parse(one.due_at) <= now && !gone.has(sampleKey(one)))
    .sort((one, other) => one.due_at.localeCompare(other.due_at))
}

export const sampleKey = (one: { self_check_id: string; position: number }) => `${one.self_check_id}/${one.position}`

/** The meal that a paper names is the one it was begun for. */
const MEAL_FIELD = 'meal'

/** A new paper. Names and the like are as last time; what is looked at is asked anew, always. */
export function beginPaper(from: {
  userId: string; premises: PremisesRow; template: Template; kind: PaperKind; day: string; slot: string; device: Draft['device']; last?: PaperRow; myName: string; now?: Date
}): Draft {
  const now = from.now ?? new Date()
  const draft = beginDraft({
    userId: from.userId, premises: from.premises, template: from.template, kind: 'routine', officers: [], device: from.device, now,
    paper: { day: from.day, slot: from.slot },
  })
  const begin = (code: string, field: string, value: unknown) => {
    const before: DraftAnswer = draft.answers[code] ?? { answered_at: now.toISOString(), evidence_ids: [] }
    draft.answers[code] = { ...before, values: { ...before.values, [field]: value as FieldValues[string] } }
  }
  for (const path of from.kind.carry) {
    const at = path.indexOf('.')
    const [code, field] = [path.slice(0, at), path.slice(at + 1)]
    const known = itemsOf(from.template.body).find((item) => item.code === code)?.fields?.find((one) => one.code === field)
    if (!known) continue
    const value = from.last?.answers[code]?.values?.[field] ?? (field === 'name' ? from.myName : undefined)
    if (value !== undefined) begin(code, field, value)
  }
  if (from.slot) {
    for (const item of itemsOf(from.template.body)) for (const field of item.fields ?? []) if (field.code === MEAL_FIELD) begin(item.code, field.code, from.slot)
  }
  return draft
}

/** Where all is well: the choices that one tap says, for every field that is asked and has such a choice. */
export function allWell(draft: Draft, kind: Pick<PaperKind, 'all_well'>): { code: string; values: FieldValues }[] {
  return itemsOf(draft.template.body).flatMap((item) => {
    const values: FieldValues = {}
    for (const field of item.fields ?? []) {
      const choice = kind.all_well[field.code]
      if (choice && 'choices' in field.kind && field.kind.choices.some((one) => one.code === choice)) values[field.code] = choice
    }
    return Object.keys(values).length > 0 ? [{ code: item.code, values }] : []
  })
}

/** What the code on a sample's box says. */
export const labelText = (one: { self_check_id: string; position: number }) => `bk:sample:1:${one.self_check_id}:${one.position}`

/** The dishes of a paper as the server will number them: one a line, or with commas between. */
export function dishesOf(text: string): string[] {
  return text.split(/[\n\r、，,；;]/).map((one) => one.trim()).filter(Boolean).slice(0, 60)
}

const SAMPLE_HOURS = 48

/** A paper that was handed in on this phone and has not come down yet: as sync will bring it, samples with their labels included. */
export function paperOfDraft(draft: Draft | undefined): PaperRow | undefined {
  if (!draft?.paper || draft.stage === 'filling') return undefined
  const at = draft.submitted_at ?? draft.updated_at
  const answers: PaperRow['answers'] = Object.fromEntries(Object.entries(draft.answers).map(([code, one]) => [code, {
    values: Object.fromEntries(Object.entries(one.values ?? {}).filter(([, value]) => value !== null)) as FieldValues, number: one.number ?? undefined, remark: one.remark,
  }]))
  const given = (field: string) => Object.values(answers).map((one) => one.values?.[field]).find((value) => value !== undefined)
  const dishes = given('dishes')
  const samples = typeof dishes === 'string' ? dishesOf(dishes).map((dish, position): Sample => ({
    self_check_id: draft.id, position, dish, meal: String(given('meal') ?? draft.paper!.slot), kept_by: String(given('name') ?? ''), weight_g: typeof given('weight') === 'number' ? (given('weight') as number) : null,
    kept_at: at, due_at: new Date(Date.parse(at) + SAMPLE_HOURS * 3_600_000).toISOString(),
  })) : undefined
  return {
    id: draft.id, premises_id: draft.premises.id, template_id: draft.template.id, code: draft.template.code, day: draft.paper.day, slot: draft.paper.slot, made_by_name: '',
    answered_at: at, received_at: '', problems: 0, photos: draft.evidence.filter((one) => one.kind === 'photo' && !one.derived).length, answers, ...(samples ? { samples } : {}),
  }
}

/** How long a phone keeps papers: whose own they are, and of everybody's. As long as the server would bring them anew. */
export const OWN_DAYS = 35
export const OTHERS_DAYS = 3

/** Lets go of papers that the server would not bring any more, but for the newest of each kind and place; says how many went. */
export async function prunePapers(safe: Safe, days: number, now = Date.now()): Promise<number> {
  const rows = await safe.rows<PaperRow>('self_check')
  const since = isoDay(now - days * DAY_MS)
  const newest = new Map<string, PaperRow>()
  const ahead = (one: PaperRow, other: PaperRow) => one.day > other.day || (one.day === other.day && one.id > other.id)
  for (const one of rows) {
    const kind = `${one.premises_id}/${one.code}`
    const known = newest.get(kind)
    if (!known || ahead(one, known)) newest.set(kind, one)
  }
  const old = rows.filter((one) => one.day < since && newest.get(`${one.premises_id}/${one.code}`) !== one)
  const tx = safe.db.transaction('rows', 'readwrite')
  for (const one of old) await tx.store.delete([safe.userId, 'self_check', one.id])
  await tx.done
  return old.length
}
