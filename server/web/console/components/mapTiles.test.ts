import { beforeAll, expect, it } from 'vitest'

beforeAll(() => {
  globalThis.localStorage ??= { getItem: () => null, setItem: () => undefined } as unknown as Storage
})

it('moves a point into the datum of the tiles', async () => {
  const { fromWgs84 } = await import('./mapTiles')
  expect(fromWgs84(39.90734, 116.39089, 'wgs84')).toEqual([39.90734, 116.39089])
  // Tiananmen, as three map makers draw it: a shift of some hundred metres each.
  const [lat, lon] = fromWgs84(39.90734, 116.39089, 'gcj02')
  expect(lat).toBeCloseTo(39.90874, 3)
  expect(lon).toBeCloseTo(116.39713, 3)
  const [latB, lonB] = fromWgs84(39.90734, 116.39089, 'bd09')
  expect(latB).toBeCloseTo(39.9151, 3)
  expect(lonB).toBeCloseTo(116.4035, 3)
})

it('takes a tile address that can be filled in, and none', async () => {
  const { validTiles } = await import('./mapTiles')
  expect(validTiles('')).toBe(true)
  expect(validTiles('https://tiles.example/{z}/{x}/{y}.png')).toBe(true)
  expect(validTiles('/tiles/{z}/{x}/{y}.png')).toBe(true)
  expect(validTiles('https://tiles.example/{z}/{x}.png')).toBe(false)
  expect(validTiles('javascript:{x}{y}{z}')).toBe(false)
})
