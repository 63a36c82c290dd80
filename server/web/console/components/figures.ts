import type { Permission } from '@shared/api/types'

/** A share as the server counts it: seconds of seconds, and null where there was nothing to count. */
export interface Rate { value: number | null; part_s: number; whole_s: number }
export interface Figures {
  id: string
  name: string
  place: string | null
  day: string | null
  cameras: number
  online: Rate
  completeness: Rate
  device_health: Rate
}
export type FigureName = 'online' | 'completeness' | 'device_health'
export const FIGURES: FigureName[] = ['online', 'completeness', 'device_health']
export const LEVELS = ['district', 'office', 'premises', 'camera'] as const
export type FigureLevel = (typeof LEVELS)[number]
/** Who may read the figures. */
export const FIGURES_NEED: Permission = 'figures.read'

/** Below these a rate is shown as worth a look, and as bad. */
const FAIR = 0.95
const POOR = 0.8

export function rateTone(rate: Rate): 'green' | 'amber' | 'red' | '' {
  if (rate.value === null) return ''
  return rate.value >= FAIR ? 'green' : rate.value >= POOR ? 'amber' : 'red'
}

/** One decimal, but never 100 % for what was not whole, nor 0 % for what was not nothing. */
export function rateText(rate: Rate): string {
  if (rate.value === null) return '—'
  const text = (rate.value * 100).toFixed(1)
  if (text === '100.0') return rate.part_s < rate.whole_s ? '99.9%' : '100%'
  if (text === '0.0') return rate.part_s > 0 ? '0.1%' : '0%'
  return `${text}%`
}

/** The whole of many: seconds are added, shares are not averaged. */
export function summed(rows: Pick<Figures, FigureName>[], name: FigureName): Rate {
  const part_s = rows.reduce((sum, row) => sum + row[name].part_s, 0)
  const whole_s = rows.reduce((sum, row) => sum + row[name].whole_s, 0)
  return { part_s, whole_s, value: whole_s > 0 ? part_s / whole_s : null }
}
