import { describe, expect, it } from 'vitest'
import { sha256Hex } from '@shared/canonical'
import { limitMs, plainType, STOP_BYTES, storedClip, VIDEO_BITS_A_SECOND } from './clips'

describe('a recording', () => {
  it('is kept as recorded, under its type without codecs', async () => {
    const bytes = new Uint8Array([0x1a, 0x45, 0xdf, 0xa3, 1, 2, 3])
    const file = await storedClip(new Blob([bytes], { type: 'video/webm;codecs=vp8,opus' }), 'i', 'u', null)
    expect(file).toMatchObject({ filetype: 'video/webm', bytes: 7, sha256: await sha256Hex(bytes), inspection_id: 'i', user_id: 'u' })
    expect(new Uint8Array(await file.blob!.arrayBuffer())).toEqual(bytes)
    expect(plainType('audio/WEBM; codecs=opus')).toBe('audio/webm')
  })

  it('of full length fits into what may be sent', () => {
    expect((limitMs('video') / 1000) * (VIDEO_BITS_A_SECOND / 8)).toBeLessThan(STOP_BYTES)
  })
})
