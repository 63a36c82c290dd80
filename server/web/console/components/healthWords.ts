import { useI18n } from 'vue-i18n'
import type { CameraHealth } from '@shared/api/types'
import { duration } from '@shared/time'
import { bitRate } from '../composables/format'
import { locale } from '../state/app'
import { figure, type HealthItem } from './health'

/** A figure of a stream as people read it. */
export function useHealthWords(): (health: CameraHealth, item: HealthItem) => string {
  const { t, n } = useI18n()
  return (health, item) => {
    const value = figure(health, item)
    if (value === null) return t('cameras.health.pending')
    switch (item) {
      case 'bit_rate': return bitRate(value)
      case 'fps': return t('cameras.fps', { n: Math.round(value * 10) / 10 })
      case 'key_frame_interval': return t('cameras.health.seconds', { n: (value / 1000).toFixed(1) })
      case 'lost': return t('cameras.health.packets', { n: n(value) })
      case 'reconnects': return t('cameras.health.perHour', { n: n(value) })
      case 'jitter': return `${value >= 10 ? Math.round(value) : value.toFixed(1)} ms`
      case 'clock_offset':
        if (Math.abs(value) < 1000) return t('cameras.health.exact')
        return t(value > 0 ? 'cameras.health.ahead' : 'cameras.health.late', { time: duration(Math.abs(value), locale.value) })
    }
  }
}
