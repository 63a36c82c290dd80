import { expect, it } from 'vitest'
import { inside } from './next'

it('goes back to an address of this site and to no other', () => {
  expect(inside('/desk?q=1')).toBe('/desk?q=1')
  for (const asked of ['//evil.example', 'https://evil.example', 'desk', '', null, undefined, ['/desk']]) expect(inside(asked)).toBe('/')
})
