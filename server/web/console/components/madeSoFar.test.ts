import { describe, expect, it } from 'vitest'
import { MadeSoFar } from './madeSoFar'

function box(name: string, body: number): number[] {
  const length = body + 8
  return [length >> 24, (length >> 16) & 255, (length >> 8) & 255, length & 255, ...[...name].map((letter) => letter.charCodeAt(0)), ...Array<number>(body).fill(109)]
}

describe('how much of a copy has come', () => {
  it('is counted by its boxes, however the pieces are cut', () => {
    const file = [...box('ftyp', 20), ...box('moov', 300), ...[1, 2, 3].flatMap(() => [...box('moof', 90), ...box('mdat', 700)])]
    for (const size of [1, 7, 64, 10_000]) {
      const made = new MadeSoFar()
      for (let at = 0; at < file.length; at += size) made.take(new Uint8Array(file.slice(at, at + size)))
      expect(made.parts).toBe(3)
      expect([made.percent(8_000), made.percent(4_000), made.percent(0)]).toEqual([50, 99, 99])
    }
    expect(new MadeSoFar().percent(8_000)).toBe(0)
  })
})
