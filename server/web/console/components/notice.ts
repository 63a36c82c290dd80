import type { RouteLocationRaw } from 'vue-router'
import type { Notice } from '@shared/api/types'
import { i18n, locale, text } from '../state/app'

const PAGES: Record<string, string> = { alert: 'alert', camera: 'camera', premises: 'premises', inspection: 'inspection' }

/** What a notice says: its own words where it has them, else those of its kind. */
export function noticeWords(one: Notice): { title: string; detail: string } {
  const said = (value: unknown): string => {
    if (typeof value === 'string') return value
    const pair = value as { zh?: string; en?: string } | null | undefined
    return (locale.value === 'en' ? pair?.en : pair?.zh) ?? ''
  }
  const kind = one.kind ?? 'other'
  const key = `notices.kinds.${kind}`
  const named = i18n.global.te(key) ? text(key) : text('notices.kinds.other')
  const title = said(one.title) || named
  return { title, detail: said(one.text) || (title === named ? '' : '') }
}

/** Where it leads. */
export function noticeTarget(one: Notice): RouteLocationRaw | null {
  if (one.alert_id) return { name: 'alert', params: { id: one.alert_id } }
  const page = one.entity ? PAGES[one.entity] : undefined
  if (page && one.entity_id) return { name: page, params: { id: one.entity_id } }
  return one.entity === 'assignment' ? { name: 'assignments' } : null
}
