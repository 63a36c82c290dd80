/** The part of a basis in the reader's language: it is one text, Chinese first, then English. */
export function basisIn(basis: string, locale: string): string {
  const [zh, en] = basis.split(' · ')
  return (locale === 'en' ? en : zh) ?? basis
}

/** The phone's contract in TypeScript: the same names as in `mobile-api`. */
export interface Bilingual { zh: string; en: string }

export type Grade = 'excellent' | 'good' | 'fair' | 'none'
export type ItemResult = 'conforms' | 'fails' | 'not_applicable'
export type Outcome = 'conforms' | 'basically_conforms' | 'does_not_conform'
export type Consequence = 'investigation' | 'supervisor_decides' | 'correct_on_spot' | 'order'
export type InspectionKind = 'routine' | 'unannounced' | 'system' | 'campaign' | 'reinspection'

export interface Rule {
  general_limit: number
  points_key: number
  points_general: number
  grades: { min: number; grade: Grade }[]
}

export interface NumberField { unit: string; min?: number | null; max?: number | null; label: Bilingual }

/** A number, a text (or a choice's code, or the id of a signature's drawing), or codes of choices. */
export type FieldValue = number | string | string[]
export type FieldValues = Record<string, FieldValue>
export interface Choice { code: string; label: Bilingual }
export type FieldKind =
  | { type: 'number'; unit?: string; min?: number | null; max?: number | null }
  | { type: 'text'; long?: boolean }
  | { type: 'one' | 'many'; choices: Choice[] }
  | { type: 'signature' }

export type Comparison = 'equals' | 'not_equals' | 'less' | 'at_most' | 'more' | 'at_least' | 'includes' | 'given'
export type Condition =
  | { all: Condition[] }
  | { any: Condition[] }
  | { not: Condition }
  | { result: { item: string; one_of: ItemResult[] } }
  | { value: { item: string; field?: string | null; is: Comparison; to?: FieldValue | null } }

export interface Field {
  code: string
  label: Bilingual
  kind: FieldKind
  required?: boolean
  show_when?: Condition | null
  require_when?: Condition | null
}

export interface Item {
  code: string
  key: boolean
  text: Bilingual
  basis: string
  /** A plain question: never judged. */
  question?: boolean
  number?: NumberField | null
  min_photos?: number
  photo_on_fail?: boolean
  fields?: Field[]
  /** 常用语: a tap writes one. */
  remarks?: Bilingual[]
  /** The canteen's own papers that prove it, by code. */
  papers?: string[]
  required?: boolean
  show_when?: Condition | null
  require_when?: Condition | null
}

export interface Section { code: string; name: Bilingual; items: Item[] }
/** Whether photos as taken are sent, or their reduced copies only. */
export type OriginalPolicy = 'always' | 'key_items' | 'never'
export interface TemplateBody { rule: Rule; originals?: OriginalPolicy; sections: Section[] }

export interface Template {
  id: string
  code: string
  version: number
  name: Bilingual
  premises_kinds: string[]
  audience?: 'officer' | 'canteen'
  published_at?: string
  body: TemplateBody
}

export interface Answer {
  item_code: string
  /** None of a plain question. */
  result?: ItemResult
  remark?: string
  reason?: string
  number?: number
  values?: FieldValues
  affects_safety?: boolean
  corrected_on_spot?: boolean
  answered_at: string
  evidence_ids: string[]
}

export type Making = 'reduced' | 'drawing' | 'watermark' | 'redaction'

export interface Evidence {
  id: string
  kind: 'photo' | 'signature' | 'video' | 'audio'
  sha256: string
  filetype: string
  bytes: number
  taken_at: string
  item_code?: string
  /** Of videos and sound recordings. */
  duration_ms?: number
  /** What a picture was made from on the phone; none of a file as taken. */
  derived?: { from: string; sha256: string; made_by: Making[] }
}

export interface Place {
  latitude: number
  longitude: number
  accuracy_m: number
  device_time: string
  gps_time?: string
  mocked?: boolean
}

export interface Signature {
  by: 'officer' | 'premises' | 'witness'
  name: string
  evidence_id?: string
  /** Which of the header's officers signs. */
  officer_id?: string
  /** Refused to sign, or left. */
  refused: boolean
  /** Did not refuse, but left before there was anything to sign. */
  left?: boolean
  reason?: string
  shown_sha256: string
}

export interface Header {
  premises_id: string
  template_id: string
  assignment_id?: string
  kind: InspectionKind
  started_at: string
  officers: string[]
  device: { id: string; model?: string }
}

export interface DoorScan { premises_id: string; mark: string; device_time: string; location?: Place }

/** What happened at the door. */
export interface Visit {
  opened?: DoorScan
  closed?: DoorScan
  certificates_shown_at?: string
  recusal?: { asked_at: string; requested: boolean; reason?: string; name: string; evidence_id: string }
  /** Why something that must be there before is not. */
  unmet?: Unmet
}

/** Shown on the paper that is signed. */
export interface Unmet { second_officer?: string; certificates?: string; recusal?: string }

/** A sample that is taken away (抽样). */
export interface SampleTaken {
  id: string; number: string; name: string; batch?: string; quantity: string; place?: string; sealed: boolean; taken_at: string; evidence_ids: string[]
  representative?: { name: string; evidence_id: string }
}
export const QUICK_RESULTS = ['passes', 'fails', 'unclear'] as const
/** A quick test on site with its reading (快检). */
export interface QuickTest {
  id: string; item: string; food: string; method: string; kit?: string; kit_lot?: string; reading?: number; unit?: string; limit?: string
  result: (typeof QUICK_RESULTS)[number]; tested_at: string; evidence_ids: string[]
}

export interface PartContent {
  device_id: string
  answers: Answer[]
  evidence: Evidence[]
  locations: Place[]
  signatures: Signature[]
  clock: { device_time: string; monotonic_ms: number; gps_time?: string }
  visit?: Visit
  samples?: SampleTaken[]
  quick_tests?: QuickTest[]
}

export interface Judgement {
  outcome: Outcome
  checked: number
  key_checked: number
  general_checked: number
  key_failed: string[]
  general_failed: string[]
  not_applicable: string[]
  score: number | null
  grade: Grade
  consequences: { item_code: string; consequence: Consequence }[]
  unanswered: string[]
}

/** As `mobile-api/src/limits.rs`. */
export const LIMITS = {
  answersPerPart: 500,
  evidencePerPart: 2000,
  evidencePerAnswer: 20,
  locationsPerPart: 200,
  textChars: 2000,
  nameChars: 200,
  officers: 20,
  evidenceBytes: 25 * 1024 * 1024,
  filetypes: ['image/jpeg', 'image/png', 'image/webp', 'image/heic', 'image/heif'],
  videoMs: 60_000,
  audioMs: 300_000,
  clipsPerItem: 5,
} as const

/** All items must be answered, but in unannounced checks and re-inspections (Order 49, art. 27). */
export function coversAllItems(kind: InspectionKind): boolean {
  return kind !== 'unannounced' && kind !== 'reinspection'
}

export function itemsOf(body: TemplateBody): Item[] {
  return body.sections.flatMap((section) => section.items)
}
