import type { CameraHealth } from '@shared/api/types'

/** What a figure of a stream is worth. */
export type Verdict = 'good' | 'watch' | 'bad' | 'none'
export const ITEMS = ['bit_rate', 'fps', 'key_frame_interval', 'lost', 'jitter', 'reconnects', 'clock_offset'] as const
export type HealthItem = (typeof ITEMS)[number]

/** Up to `good` it is, up to `watch` somebody should look. */
const upTo = (value: number, good: number, watch: number): Verdict => (value <= good ? 'good' : value <= watch ? 'watch' : 'bad')
/** Within the inner range it is good, within the outer somebody should look. */
function between(value: number, [low, high]: [number, number], [lowest, highest]: [number, number]): Verdict {
  if (value >= low && value <= high) return 'good'
  return value >= lowest && value <= highest ? 'watch' : 'bad'
}

/** The figure itself; null where the recorder does not know it. */
export function figure(health: CameraHealth, item: HealthItem): number | null {
  const found = {
    bit_rate: health.bit_rate,
    fps: health.fps,
    key_frame_interval: health.key_frame_interval_ms,
    lost: health.lost_last_hour,
    jitter: health.jitter_ms,
    reconnects: health.reconnects_last_hour,
    clock_offset: health.clock_offset_ms,
  }[item]
  // A rate of nothing has not been measured yet.
  return found == null || (found === 0 && ['bit_rate', 'fps', 'key_frame_interval'].includes(item)) ? null : found
}

/** As it stands: a camera that is not on line has old figures, which say nothing now. */
export function verdict(health: CameraHealth, item: HealthItem): Verdict {
  const value = figure(health, item)
  if (value === null) return 'none'
  const flowing = health.state === 'recording' || health.state === 'degraded'
  switch (item) {
    case 'lost': return upTo(value, 0, 100)
    case 'reconnects': return upTo(value, 1, 5)
    case 'clock_offset': return upTo(Math.abs(value), 5_000, 60_000)
  }
  if (!flowing) return 'none'
  switch (item) {
    case 'bit_rate': return between(value, [300_000, 8_000_000], [64_000, 16_000_000])
    case 'fps': return between(value, [12, 31], [5, 60])
    case 'key_frame_interval': return between(value, [200, 4_500], [0, 10_500])
    case 'jitter': return upTo(value, 50, 200)
  }
}

export const TONES: Record<Verdict, 'green' | 'amber' | 'red' | 'grey'> = { good: 'green', watch: 'amber', bad: 'red', none: 'grey' }
