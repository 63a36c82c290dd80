import { expect, it } from 'vitest'
import { nameWidth, placeLabels, type Labelled } from './mapLabels'

const size = { width: 400, height: 300 }
const point = (x: number, y: number, wanted = true): Labelled => ({ x, y, width: 100, radius: 8, wanted })

it('puts a name above its point, and at another side where that is taken', () => {
  expect(placeLabels([point(200, 150), point(230, 160)], size)).toEqual(['top', 'bottom'])
})

it('covers no other point with a name', () => {
  expect(placeLabels([point(200, 150), point(200, 128, false)], size)).toEqual(['bottom', null])
})

it('leaves out a name that has no room', () => {
  const crowd = [point(200, 150), point(200, 120, false), point(200, 180, false), point(260, 150, false), point(140, 150, false)]
  expect(placeLabels(crowd, size)[0]).toBeNull()
  expect(placeLabels([point(10, 15)], size)).toEqual(['right'])
})

it('reckons Chinese wider than Latin', () => {
  expect(nameWidth('明湖食堂')).toBe(64)
  expect(nameWidth('Canteen')).toBe(65)
})
