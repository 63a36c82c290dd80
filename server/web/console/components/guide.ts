/** The guide's texts in both languages. Titles come with the page that lists them, each text when it is opened. */
import type { Locale } from '@shared/time'

export interface GuideBody { title: string; headings: { level: number; id: string; text: string }[]; html: string }

const titles = import.meta.glob<string>('../../../../docs/guide/*/*.md', { query: '?head', import: 'default', eager: true })
const bodies = import.meta.glob<GuideBody>('../../../../docs/guide/*/*.md', { import: 'default' })

const path = (page: string, locale: Locale) => `../../../../docs/guide/${locale === 'en' ? 'en' : 'zh'}/${page}.md`

export const guideTitle = (page: string, locale: Locale) => titles[path(page, locale)] ?? page

/** Null where there is no such page. */
export async function guideBody(page: string, locale: Locale): Promise<GuideBody | null> {
  return (await bodies[path(page, locale)]?.()) ?? null
}
