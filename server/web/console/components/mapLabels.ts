/** Where the names of points stand on a map, so that none covers another name or a point. */
export interface Labelled { x: number; y: number; width: number; radius: number; wanted: boolean }
export type Side = 'top' | 'bottom' | 'right' | 'left'

const HEIGHT = 22
const GAP = 4
const SIDES: Side[] = ['top', 'bottom', 'right', 'left']

interface Box { left: number; top: number; right: number; bottom: number }
const meet = (a: Box, b: Box) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom

function boxOf(point: Labelled, side: Side): Box {
  const away = point.radius + GAP
  if (side === 'top') return { left: point.x - point.width / 2, right: point.x + point.width / 2, top: point.y - away - HEIGHT, bottom: point.y - away }
  if (side === 'bottom') return { left: point.x - point.width / 2, right: point.x + point.width / 2, top: point.y + away, bottom: point.y + away + HEIGHT }
  const left = side === 'right' ? point.x + away : point.x - away - point.width
  return { left, right: left + point.width, top: point.y - HEIGHT / 2, bottom: point.y + HEIGHT / 2 }
}

/** For each point the side its name stands at, or null where there is no room: such a name shows when it is pointed at. */
export function placeLabels(points: Labelled[], size: { width: number; height: number }): (Side | null)[] {
  const dots = points.map((one) => ({ left: one.x - one.radius, right: one.x + one.radius, top: one.y - one.radius, bottom: one.y + one.radius }))
  const taken: Box[] = []
  return points.map((point, index) => {
    if (!point.wanted) return null
    for (const side of SIDES) {
      const box = boxOf(point, side)
      if (box.left < 0 || box.top < 0 || box.right > size.width || box.bottom > size.height) continue
      if (taken.some((one) => meet(one, box)) || dots.some((dot, other) => other !== index && meet(dot, box))) continue
      taken.push(box)
      return side
    }
    return null
  })
}

/** About how wide a name is, pixels: Chinese characters are square, others narrower. */
export function nameWidth(name: string): number {
  return [...name].reduce((sum, letter) => sum + (letter.charCodeAt(0) > 0x2e7f ? 12 : 7), 16)
}
