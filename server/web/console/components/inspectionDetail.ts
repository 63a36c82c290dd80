import type { InspectionAnswer, InspectionEvidence, InspectionResult, InspectionSignature } from '@shared/api/types'

export interface Given extends InspectionAnswer { part_id?: string; by?: string }
export interface Place { latitude: number; longitude: number; accuracy_m?: number | null; mocked?: boolean | null }
export interface ClockReading { device_time: string; gps_time?: string | null }
export interface Merged { answer: Given; others: Given[] }
export interface InspectionDetail {
  id: string
  premises_id: string
  premises_name: string
  template_id: string
  kind: string
  state: string
  started_at: string
  submitted_at: string | null
  officers: { id: string; display_name?: string; name?: string }[]
  /** By the code of the item: the answer that counts, and any others that were given. */
  answers: Map<string, Merged>
  evidence: (InspectionEvidence & { received: boolean })[]
  missing: number
  signatures: InspectionSignature[]
  locations: Place[]
  clocks: ClockReading[]
  phone: Partial<InspectionResult> | null
  server: Partial<InspectionResult> | null
  history: { at: string; action: string; actor: string }[]
}

type Raw = Record<string, unknown>
const object = (value: unknown): Raw => (typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Raw) : {})
const list = (value: unknown): Raw[] => (Array.isArray(value) ? (value as unknown[]).map(object) : [])
const text = (...values: unknown[]): string => (values.find((value) => typeof value === 'string') as string | undefined) ?? ''

/**
 * One shape for the page out of an inspection's header, parts and merged answers. The merged answers are the server's;
 * where it sends only parts, the first answer to an item counts.
 */
export function readInspection(answer: unknown): InspectionDetail {
  const raw = object(answer)
  const header = object(raw.header)
  const parts = list(raw.parts).map((part) => ({ part, content: { ...object(part.content), ...(part.answers ? part : {}) } as Raw }))
  const given: Given[] = list(raw.answers).map(answerOf)
  const inParts = parts.flatMap(({ part, content }) => list(content.answers).map((one) => ({ ...answerOf(one), part_id: text(part.id), by: text(part.owner_name, part.officer_name, object(part.owner).display_name) })))
  const answers = new Map<string, Merged>()
  for (const one of given.length ? given : inParts) {
    if (!answers.has(one.item_code)) {
      const others = inParts.filter((other) => other.item_code === one.item_code && other.part_id !== (one.part_id ?? other.part_id))
      answers.set(one.item_code, { answer: one, others })
    }
  }
  const missing = list(raw.missing_evidence)
  const gone = new Set(missing.map((one) => text(one.id)))
  const files = list(raw.evidence).length ? list(raw.evidence) : parts.flatMap(({ content }) => list(content.evidence))
  const evidence = files.map((file) => {
    const known = [file.received, file.present, file.stored, file.complete].find((value) => typeof value === 'boolean')
    return { ...(file as unknown as InspectionEvidence), received: known !== undefined ? Boolean(known) : file.received_at !== undefined ? file.received_at !== null : !gone.has(text(file.id)) }
  })
  const gather = (name: string) => (list(raw[name]).length ? list(raw[name]) : parts.flatMap(({ content }) => list(content[name])))
  const results = object(raw.results)
  const result = (...values: unknown[]) => {
    const found = values.map(object).find((value) => typeof value.outcome === 'string')
    return (found as Partial<InspectionResult> | undefined) ?? null
  }
  return {
    id: text(raw.id),
    premises_id: text(raw.premises_id, header.premises_id),
    premises_name: text(raw.premises_name, header.premises_name),
    template_id: text(raw.template_id, header.template_id),
    kind: text(raw.kind, header.kind) || 'routine',
    state: text(raw.state) || 'draft',
    started_at: text(raw.started_at, header.started_at),
    submitted_at: text(raw.submitted_at) || null,
    officers: (Array.isArray(raw.officers) ? raw.officers : Array.isArray(header.officers) ? header.officers : []).map((one) => (typeof one === 'string' ? { id: one } : (one as { id: string }))),
    answers,
    evidence,
    missing: missing.length || evidence.filter((file) => !file.received).length,
    signatures: gather('signatures') as unknown as InspectionSignature[],
    locations: gather('locations').filter((place) => typeof place.latitude === 'number') as unknown as Place[],
    clocks: (list(raw.clocks).length ? list(raw.clocks) : parts.map(({ content }) => object(content.clock)).filter((clock) => clock.device_time)) as unknown as ClockReading[],
    phone: result(raw.phone_result, raw.result_phone, raw.device_result, results.phone),
    server: result(raw.server_result, raw.result_server, raw.result, results.server),
    history: list(raw.history).map((event) => ({ at: text(event.at), action: text(event.action, event.event), actor: text(object(event.actor).name, event.actor_name) })),
  }
}

function answerOf(raw: Raw): Given {
  // A merged row may hold the answer inside, beside the part it came from.
  const inner = object(raw.answer)
  return { ...(inner.item_code ? inner : raw), item_code: text(raw.item_code, inner.item_code), part_id: text(raw.part_id) || undefined } as unknown as Given
}
