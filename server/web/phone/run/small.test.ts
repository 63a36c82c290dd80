import { describe, expect, it } from 'vitest'
import { typeOf } from './photos'
import { distanceM } from './place'

const bytes = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0))

describe('small things of a checklist', () => {
  it('knows pictures by their first bytes, not by their names', () => {
    expect(typeOf(bytes('\xff\xd8\xff\xe0'))).toBe('image/jpeg')
    expect(typeOf(bytes('\x89PNG\r\n\x1a\n....'))).toBe('image/png')
    expect(typeOf(bytes('RIFF....WEBPVP8 '))).toBe('image/webp')
    expect(typeOf(bytes('\0\0\0\x18ftypheic'))).toBe('image/heic')
    expect(typeOf(bytes('<svg onload=alert'))).toBeNull()
    expect(typeOf(bytes(''))).toBeNull()
  })
  it('measures how far away an officer stands', () => {
    const school = { latitude: 23.466, longitude: 116.755 }
    expect(distanceM(school, school)).toBe(0)
    expect(distanceM(school, { latitude: 23.467, longitude: 116.755 })).toBeCloseTo(111.2, 0)
  })
})
