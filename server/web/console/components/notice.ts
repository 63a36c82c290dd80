import type { RouteLocationRaw } from 'vue-router'
import type { Notice } from '@shared/api/types'
import { dayAndTime } from '@shared/time'
import { i18n, locale, text } from '../state/app'
import { useSession } from '../state/session'

/** What a notice says, from its kind and the facts it carries. */
export function noticeWords(one: Notice): { title: string; detail: string } {
  const facts = one.detail ?? {}
  const said = (name: string) => (typeof facts[name] === 'string' && facts[name] ? (facts[name] as string) : '')
  const named = i18n.global.te(`notices.kinds.${one.kind}`) ? text(`notices.kinds.${one.kind}`) : text('notices.kinds.other')
  const code = said('alert_kind') || said('kind')
  const about = code && i18n.global.te(`alertKind.${code}`) ? text(`alertKind.${code}`) : ''
  const due = facts.deadline ?? facts.deadline_ms ?? facts.due_at ?? facts.due_on
  const until = typeof due === 'number' || (typeof due === 'string' && due) ? text('alerts.deadlineSet', { time: dayAndTime(due as string | number, locale.value) }) : ''
  return {
    title: [named, about, said('premises_name') || said('premises')].filter(Boolean).join(' · '),
    detail: [said('by_name'), said('camera_name') || said('camera'), until, said('reason'), said('text')].filter(Boolean).join(' · '),
  }
}

/** Where it leads. */
export function noticeTarget(one: Notice): RouteLocationRaw | null {
  if (one.kind === 'assigned') return { name: 'assignments' }
  if (one.kind === 'disk_forecast') return { name: useSession().can('settings.manage') ? 'retention' : 'system' }
  if (one.kind === 'second_factor_reset') return { name: 'account' }
  if (['role_requested', 'role_decided', 'watching_account'].includes(one.kind)) return { name: 'users' }
  if (one.kind.startsWith('self_check_')) return { name: 'self-checks' }
  if (typeof one.detail?.self_check_id === 'string') return { name: 'self-check', params: { id: one.detail.self_check_id } }
  if (typeof one.detail?.incident_id === 'string') return useSession().can('incidents.read') ? { name: 'incident', params: { id: one.detail.incident_id } } : null
  if (typeof one.detail?.order_id === 'string') return { name: 'order', params: { id: one.detail.order_id } }
  return one.work_id ? { name: 'alert', params: { id: one.work_id } } : null
}
