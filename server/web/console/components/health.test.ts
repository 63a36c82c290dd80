import { describe, expect, it } from 'vitest'
import type { CameraHealth } from '@shared/api/types'
import { figure, ITEMS, verdict } from './health'

const well: CameraHealth = {
  known: true, state: 'recording', bit_rate: 2_000_000, fps: 25, key_frame_interval_ms: 2000, lost: 7, lost_last_hour: 0, jitter_ms: 8,
  reconnects: 3, reconnects_last_hour: 0, clock_offset_ms: -900, analysis_stream: 'main',
}
const of = (change: Partial<CameraHealth>) => Object.fromEntries(ITEMS.map((item) => [item, verdict({ ...well, ...change }, item)]))

describe('the health of a stream', () => {
  it('is good where all is within what is normal, whatever happened earlier', () => {
    expect(new Set(Object.values(of({})))).toEqual(new Set(['good']))
  })

  it('judges each figure by its own limits', () => {
    const wrong = of({ bit_rate: 20_000_000, fps: 8, key_frame_interval_ms: 20_000, lost_last_hour: 12, jitter_ms: 300, reconnects_last_hour: 9, clock_offset_ms: 3_600_000 })
    expect(wrong).toEqual({ bit_rate: 'bad', fps: 'watch', key_frame_interval: 'bad', lost: 'watch', jitter: 'bad', reconnects: 'bad', clock_offset: 'bad' })
    expect(of({ clock_offset_ms: -30_000 }).clock_offset).toBe('watch')
  })

  it('says nothing of what is not measured, and nothing of the stream while none comes', () => {
    expect(figure({ ...well, fps: 0 }, 'fps')).toBeNull()
    expect(of({ clock_offset_ms: null }).clock_offset).toBe('none')
    expect(of({ state: 'offline' })).toMatchObject({ bit_rate: 'none', fps: 'none', jitter: 'none', reconnects: 'good' })
    expect(of({ known: false, bit_rate: null, fps: null, key_frame_interval_ms: null, lost_last_hour: null, jitter_ms: null, reconnects_last_hour: null, clock_offset_ms: null })).toMatchObject({ lost: 'none', bit_rate: 'none' })
  })
})
