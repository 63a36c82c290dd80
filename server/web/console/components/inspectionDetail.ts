import type { Bilingual, InspectionEvidence, InspectionResult, InspectionSignature, TemplateItem } from '@shared/api/types'
import type { Answer, Field, QuickTest, SampleTaken } from '@shared/inspection'

/** `GET /inspections/{id}` as the page reads it. */
export interface InspectionDetail {
  id: string
  premises_id: string
  premises_name: string
  organization_name: string
  template_id: string
  template_name: Bilingual
  kind: string
  state: string
  started_at: string
  happened_at: string
  clock_off_ms: number | null
  submitted_at: string | null
  complete_at: string | null
  officers: { id: string; display_name: string; certificate_number?: string | null }[]
  differs: boolean
  missing_evidence: number
  /** Of what came by the second door: whether it lacks something before it is whole. */
  lacking: boolean | null
  lacks: { what: string; detail: string[]; noted_at: string; done_at: string | null; done_by_name: string | null }[]
  /** What the law asks for on site and was not there when it was submitted. */
  to_complete: string[] | null
  /** The paper that the phone drew and had signed, drawn again by the server. */
  drawn: { sha256: string; differs: boolean; number: string | null } | null
  receipt: { manifest: { received_at: string; key: { fingerprint: string } }; signature: string } | null
  /** Of all parts; what is null was not recorded. */
  visit: VisitSeen
  samples: SampleTaken[]
  quick_tests: QuickTest[]
  parts: Part[]
  sections: AnsweredSection[]
  evidence: InspectionEvidence[]
  /** As judged by the server; while under way, as it would be judged now. */
  result: InspectionResult
  phone_result: InspectionResult | null
  history: { at: string; action: string; actor_name: string | null; subject_id: string | null }[]
  /** Corrections since the submission, oldest first; everything above reads with them. */
  amendments: { version: number; reason: string; amended_by_name: string; amended_at: string; outcome: string; answers: Answer[] }[]
  submitted_result: InspectionResult | null
  previous: { id: string; happened_at: string; outcome: string | null; score: number | null; again: string[]; put_right: string[]; new: string[] } | null
}
export interface ScanSeen { device_time: string; right: boolean; location: { latitude: number; longitude: number; accuracy_m: number; mocked?: boolean | null } | null }
export interface VisitSeen {
  opened: ScanSeen | null
  closed: ScanSeen | null
  certificates_shown_at: string | null
  recusal: { asked_at: string; requested: boolean; reason?: string | null; name: string; evidence_id: string } | null
  /** Why something that must be there before was not, by what it is. */
  unmet?: Record<string, string | null | undefined>
}
export interface Part {
  id: string
  owner_name: string
  received_at: string
  locations: { latitude: number; longitude: number; accuracy_m?: number | null; mocked?: boolean | null }[]
  signatures: InspectionSignature[]
  clock: { device_time: string; gps_time?: string | null }
  answers: Answer[]
  /** What it said before a higher revision took its place, the newest first. */
  versions: { revision: number; received_at: string; replaced_at: string; answers: Answer[] }[]
}
export interface AnsweredItem {
  code: string
  key: boolean
  text: Bilingual
  basis: string
  number?: TemplateItem['number']
  question?: boolean
  fields?: Field[]
  /** The canteen's own papers that prove it, by code. */
  papers?: string[]
  /** Whether the answers given ask for it. */
  asked?: boolean
  /** The answer that counts. */
  answer: Answer | null
  /** Answers of other officers that were not chosen. */
  others: { part_id: string; owner_name: string; answer: Answer }[]
  previous: { result?: Answer['result']; remark: string | null; number: number | null } | null
}
export interface AnsweredSection { code: string; name: Bilingual; items: AnsweredItem[] }

export interface Happened { at: string; action: string; actor: string; count: number }

/** Files that came one after another are one line with their number. */
export function gathered(history: InspectionDetail['history']): Happened[] {
  const lines: Happened[] = []
  for (const event of history) {
    const last = lines.at(-1)
    if (event.action === 'evidence_received' && last?.action === event.action) {
      last.count += 1
      last.at = event.at
    } else lines.push({ at: event.at, action: event.action, actor: event.actor_name ?? '', count: 1 })
  }
  return lines
}

/** What a part said before, and what of it is another answer now. */
export interface Earlier { part: string; owner: string; revision: number; replaced_at: string; changed: { code: string; before: Answer | null; now: Answer | null }[] }

/** Earlier versions of all parts, the newest first. Only what somebody would see as another answer counts. */
export function earlier(parts: Part[]): Earlier[] {
  const seen = (answer: Answer | null) => JSON.stringify(answer && [answer.result, answer.number, answer.remark, answer.reason, answer.values])
  return parts.flatMap((part) => {
    const now = new Map(part.answers.map((answer) => [answer.item_code, answer]))
    return part.versions.map((version) => {
      const before = new Map(version.answers.map((answer) => [answer.item_code, answer]))
      const changed = [...new Set([...before.keys(), ...now.keys()])].map((code) => ({ code, before: before.get(code) ?? null, now: now.get(code) ?? null }))
      return { part: part.id, owner: part.owner_name, revision: version.revision, replaced_at: version.replaced_at, changed: changed.filter((one) => seen(one.before) !== seen(one.now)) }
    })
  }).sort((one, other) => other.replaced_at.localeCompare(one.replaced_at))
}
