/**
 * What the law asks for on site and a record still lacks, as `mobile-api/src/signing.rs` has it word for word (the sources are
 * there); `mobile-api/vectors/signing.json` holds both to the same.
 */
import type { Answer, PartContent, Signature, Visit } from './inspection'

export const OFFICERS_NEEDED = 2

/** In the order in which it is done on site. */
export type SigningLack =
  | 'visit_opened' | 'certificates' | 'recusal' | 'safety_reason' | 'second_officer' | 'officer_signature' | 'premises_signature' | 'witness' | 'visit_closed'

/** An officer that the header names. */
export interface Named { id: string; name: string }

type Part = Pick<PartContent, 'signatures' | 'visit'>

export function signingLacks(officers: Named[], parts: Part[], answers: Answer[]): SigningLack[] {
  const visit = joinedVisit(parts.flatMap((part) => part.visit ?? []))
  const signatures = parts.flatMap((part) => part.signatures)
  const by = (who: Signature['by']) => signatures.filter((one) => one.by === who)
  const signed = new Set(by('officer').filter((one) => !one.refused).flatMap((one) => signer(officers, one)?.id ?? []))
  const needsWitness = by('premises').some((one) => one.refused)
  const all: [boolean, SigningLack][] = [
    [!visit.opened, 'visit_opened'],
    [!visit.certificates_shown_at, 'certificates'],
    [!visit.recusal, 'recusal'],
    [answers.some(lacksSafetyReason), 'safety_reason'],
    [officers.length < OFFICERS_NEEDED, 'second_officer'],
    [signed.size < Math.min(OFFICERS_NEEDED, Math.max(officers.length, 1)), 'officer_signature'],
    [by('premises').length === 0, 'premises_signature'],
    [needsWitness && !by('witness').some((one) => !one.refused), 'witness'],
    [!visit.closed, 'visit_closed'],
  ]
  return all.flatMap(([lacking, lack]) => (lacking ? [lack] : []))
}

/** What comes before an inspection: without it a phone does not submit unless a reason is on record. As `unexplained` in Rust. */
export const BEFORE = ['second_officer', 'certificates', 'recusal'] as const
export function unexplained(lacks: SigningLack[], visit: Visit): SigningLack[] {
  return lacks.filter((lack) => (BEFORE as readonly string[]).includes(lack) && !visit.unmet?.[lack as (typeof BEFORE)[number]]?.trim())
}

/** Whether a failed item does not say why it does or does not affect safety. */
export function lacksSafetyReason(answer: Pick<Answer, 'result' | 'reason'>): boolean {
  return answer.result === 'fails' && !answer.reason?.trim()
}

/** Which of the officers signed: as the phone says, or, from phones that do not say it, by the name in print. */
export function signer<T extends Named>(officers: T[], signature: Signature): T | undefined {
  return officers.find((officer) => (signature.officer_id ? officer.id === signature.officer_id : officer.name === signature.name))
}

/** One visit of what several phones recorded, as `Visit::joined`. */
export function joinedVisit(visits: Visit[]): Visit {
  const first = <T>(all: T[], key: (one: T) => string): T | undefined =>
    all.reduce<T | undefined>((best, one) => (best === undefined || key(one) < key(best) ? one : best), undefined)
  const last = <T>(all: T[], key: (one: T) => string): T | undefined =>
    all.reduce<T | undefined>((best, one) => (best === undefined || key(one) > key(best) ? one : best), undefined)
  const joined: Visit = {}
  const opened = first(visits.flatMap((visit) => visit.opened ?? []), (scan) => scan.device_time)
  const closed = last(visits.flatMap((visit) => visit.closed ?? []), (scan) => scan.device_time)
  const shown = first(visits.flatMap((visit) => visit.certificates_shown_at ?? []), (at) => at)
  // One that was requested counts before those that were not.
  const recusal = first(visits.flatMap((visit) => visit.recusal ?? []), (one) => `${one.requested ? 0 : 1} ${one.asked_at}`)
  const unmet = Object.fromEntries(BEFORE.flatMap((name) => {
    const reason = visits.map((visit) => visit.unmet?.[name]).find((one) => one?.trim())
    return reason === undefined ? [] : [[name, reason]]
  }))
  if (opened) joined.opened = opened
  if (closed) joined.closed = closed
  if (shown) joined.certificates_shown_at = shown
  if (recusal) joined.recusal = recusal
  if (Object.keys(unmet).length > 0) joined.unmet = unmet
  return joined
}
