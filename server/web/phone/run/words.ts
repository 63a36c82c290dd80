/** What lacks and what was said last time, in words. */
import type { Item } from '@shared/inspection'
import type { Lack, PreviousAnswer } from '../engine/draft'
import { say } from '../i18n'

type Translate = (key: string, named?: Record<string, unknown>) => string

export function lackWords(t: Translate, item: Item, lacks: Lack[]): string {
  return lacks.map((one) => {
    if (!one.startsWith('field:')) return t(`run.lack.${one}`)
    const field = item.fields?.find((field) => field.code === one.slice('field:'.length))
    return t('run.lack.field', { label: field ? say(field.label) : one })
  }).join(' · ')
}

/** An answer of the last inspection in one line: result, figures, words. */
export function previousWords(t: Translate, item: Item, previous: PreviousAnswer): string {
  const said: string[] = previous.result ? [t(`itemResult.${previous.result}`)] : []
  if (typeof previous.number === 'number') said.push(`${previous.number}${item.number ? ` ${item.number.unit}` : ''}`)
  for (const field of item.fields ?? []) {
    const value = previous.values?.[field.code]
    if (value === undefined || field.kind.type === 'signature') continue
    const choices = 'choices' in field.kind ? field.kind.choices : []
    const label = (code: string) => { const choice = choices.find((one) => one.code === code); return choice ? say(choice.label) : code }
    const unit = field.kind.type === 'number' && field.kind.unit ? ` ${field.kind.unit}` : ''
    said.push(`${say(field.label)} ${typeof value === 'number' ? `${value}${unit}` : Array.isArray(value) ? value.map(label).join(t('comma')) : label(value)}`)
  }
  if (previous.remark) said.push(previous.remark)
  return said.join(' · ')
}
