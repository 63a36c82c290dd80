import { shallowRef, watch } from 'vue'
import type { Page, SelfCheck, Template } from '@shared/api/types'
import { isoDay } from '@shared/time'
import type { InspectionDetail } from '../components/inspectionDetail'
import { api } from '../state/app'
import { useSession } from '../state/session'

/** Days before an inspection whose papers stand beside its items; of what is rarer the last one does. */
export const PROOF_DAYS = 7
const DAY_MS = 86_400_000

export interface Proofs { by: Map<string, SelfCheck[]>; names: Map<string, Template['name']> }

/** The canteen's own papers that prove items of an inspection, by code, as they stood on its day; null where they may not be read. */
export function useProofs(inspection: () => InspectionDetail) {
  const proofs = shallowRef<Proofs | null>(null)
  const session = useSession()
  let turn = 0
  watch(() => inspection().id, async () => {
    proofs.value = null
    const { premises_id, started_at, sections } = inspection()
    const codes = [...new Set(sections.flatMap((section) => section.items).flatMap((item) => item.papers ?? []))]
    if (codes.length === 0 || !session.can('self_checks.read')) return
    const mine = ++turn
    try {
      await look(mine, codes, premises_id, started_at)
    } catch (error) {
      // Beside the answers, not part of them: the page is whole without.
      console.error(error)
    }
  }, { immediate: true })
  async function look(mine: number, codes: string[], premises_id: string, started_at: string): Promise<void> {
    const to = isoDay(started_at)
    const from = isoDay(Date.parse(started_at) - PROOF_DAYS * DAY_MS)
    const [near, templates] = await Promise.all([
      api.get<Page<SelfCheck>>('/self-checks', { premises_id, from, to, limit: 200 }),
      session.can('templates.read') ? api.get<Page<Template>>('/templates', { audience: 'canteen', limit: 200 }) : Promise.resolve({ items: [] as Template[] }),
    ])
    const by = new Map<string, SelfCheck[]>()
    for (const one of near.items) by.set(one.code, [...(by.get(one.code) ?? []), one])
    const rare = await Promise.all(codes.filter((code) => !by.has(code)).map((code) => api.get<Page<SelfCheck>>('/self-checks', { premises_id, code, to, limit: 1 })))
    for (const page of rare) if (page.items[0]) by.set(page.items[0].code, page.items)
    if (mine === turn) proofs.value = { by, names: new Map(templates.items.map((one) => [one.code, one.name])) }
  }
  return proofs
}
