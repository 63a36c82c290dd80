import { describe, expect, it, vi } from 'vitest'

vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => undefined })
const { originalsFit } = await import('./network')

describe('the network for photos as taken', () => {
  it('is any, or one that is known to be Wi-Fi', () => {
    expect(originalsFit('any', undefined)).toBe(true)
    expect(originalsFit('any', { type: 'cellular' })).toBe(true)
    expect(originalsFit('wifi', { type: 'wifi' })).toBe(true)
    expect(originalsFit('wifi', { type: 'ethernet' })).toBe(true)
    for (const other of [undefined, {}, { type: 'cellular' }, { type: 'unknown' }, { type: 'wifi', saveData: true }]) expect(originalsFit('wifi', other)).toBe(false)
  })
})
