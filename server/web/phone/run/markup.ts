/**
 * What is drawn on a photo, burned into a picture of its own that names the file as taken: places made unreadable first, on what the
 * camera saw, then arrows, circles and words, then the watermark. Points are pixels of the picture.
 */
import type { Making } from '@shared/inspection'
import { time } from '@shared/paper'

export interface Point { x: number; y: number }
export type Tool = 'arrow' | 'circle' | 'text' | 'black' | 'coarse'
export type Shape = { tool: Exclude<Tool, 'text'>; from: Point; to: Point } | { tool: 'text'; from: Point; text: string }

export const SHAPES_MAX = 100
export const WORDS_MAX = 60
const INK = '#e5484d'
/** Squares along the shorter edge of a place made coarse: a face or a name in so few cannot be read. */
const COARSE_SQUARES = 6

export interface Rect { x: number; y: number; width: number; height: number }

export function rectOf(from: Point, to: Point): Rect {
  return { x: Math.min(from.x, to.x), y: Math.min(from.y, to.y), width: Math.abs(to.x - from.x), height: Math.abs(to.y - from.y) }
}

/** How the picture is made, in the order in which it is. */
export function makingsOf(shapes: Shape[], watermark: boolean): Making[] {
  const hidden = shapes.some((shape) => shape.tool === 'black' || shape.tool === 'coarse')
  const drawn = shapes.some((shape) => shape.tool === 'arrow' || shape.tool === 'circle' || shape.tool === 'text')
  return [...(hidden ? ['redaction' as const] : []), ...(drawn ? ['drawing' as const] : []), ...(watermark ? ['watermark' as const] : [])]
}

export interface WatermarkFacts {
  taken_at: string
  premises: string
  officers: string[]
  inspection_id: string
  /** Of the file as taken. */
  sha256: string
  place?: { latitude: number; longitude: number; accuracy_m: number }
}

/** The words of the watermark, in Chinese as papers are: time, place, officers, inspection and the hash of the file as taken. */
export function watermarkLines({ taken_at, premises, officers, inspection_id, sha256, place }: WatermarkFacts): string[] {
  const where = place ? `${place.latitude.toFixed(5)}, ${place.longitude.toFixed(5)}（精度${Math.round(place.accuracy_m)}米）` : '未定位'
  return [`${time(taken_at)}　${premises}`, `位置：${where}`, `检查人员：${officers.join('、')}`, `检查：${inspection_id}`, `原件SHA-256：${sha256.slice(0, 16)}…`]
}

/** Paints everything on a canvas that holds the photo. */
export function paint(canvas: HTMLCanvasElement, photo: CanvasImageSource, shapes: Shape[], watermark: string[]): void {
  const pen = canvas.getContext('2d')
  if (!pen) return
  pen.drawImage(photo, 0, 0, canvas.width, canvas.height)
  for (const shape of shapes) if (shape.tool === 'coarse' || shape.tool === 'black') hide(pen, canvas, shape.tool, rectOf(shape.from, shape.to))
  const line = Math.max(3, Math.round(Math.max(canvas.width, canvas.height) / 250))
  Object.assign(pen, { strokeStyle: INK, fillStyle: INK, lineWidth: line, lineCap: 'round', lineJoin: 'round' })
  for (const shape of shapes) {
    if (shape.tool === 'arrow') arrow(pen, shape.from, shape.to, line)
    if (shape.tool === 'circle') circle(pen, rectOf(shape.from, shape.to))
    if (shape.tool === 'text') words(pen, shape.from, shape.text, line)
  }
  if (watermark.length > 0) stamp(pen, canvas, watermark)
}

function hide(pen: CanvasRenderingContext2D, canvas: HTMLCanvasElement, how: 'black' | 'coarse', { x, y, width, height }: Rect): void {
  const [left, top, wide, high] = [Math.floor(x), Math.floor(y), Math.ceil(width), Math.ceil(height)]
  if (wide < 1 || high < 1) return
  if (how === 'black') {
    pen.fillStyle = '#000'
    return pen.fillRect(left, top, wide, high)
  }
  // Reduced to a few squares and drawn large again: what was between them is not in the picture any more.
  const square = Math.max(12, Math.min(wide, high) / COARSE_SQUARES)
  const small = Object.assign(document.createElement('canvas'), { width: Math.max(1, Math.round(wide / square)), height: Math.max(1, Math.round(high / square)) })
  small.getContext('2d')?.drawImage(canvas, left, top, wide, high, 0, 0, small.width, small.height)
  pen.imageSmoothingEnabled = false
  pen.drawImage(small, 0, 0, small.width, small.height, left, top, wide, high)
  pen.imageSmoothingEnabled = true
}

function arrow(pen: CanvasRenderingContext2D, from: Point, to: Point, line: number): void {
  const angle = Math.atan2(to.y - from.y, to.x - from.x)
  const head = line * 5
  pen.beginPath()
  pen.moveTo(from.x, from.y)
  pen.lineTo(to.x, to.y)
  for (const side of [-1, 1]) {
    pen.moveTo(to.x, to.y)
    pen.lineTo(to.x - head * Math.cos(angle + (side * Math.PI) / 6), to.y - head * Math.sin(angle + (side * Math.PI) / 6))
  }
  pen.stroke()
}

function circle(pen: CanvasRenderingContext2D, { x, y, width, height }: Rect): void {
  pen.beginPath()
  pen.ellipse(x + width / 2, y + height / 2, Math.max(1, width / 2), Math.max(1, height / 2), 0, 0, 2 * Math.PI)
  pen.stroke()
}

function words(pen: CanvasRenderingContext2D, at: Point, text: string, line: number): void {
  pen.font = `600 ${line * 8}px sans-serif`
  pen.textBaseline = 'top'
  // A light edge, so that it can be read on dark and on bright.
  pen.save()
  Object.assign(pen, { strokeStyle: '#fff', lineWidth: line * 1.5 })
  pen.strokeText(text, at.x, at.y)
  pen.restore()
  pen.fillText(text, at.x, at.y)
}

function stamp(pen: CanvasRenderingContext2D, canvas: HTMLCanvasElement, lines: string[]): void {
  let size = Math.max(12, Math.round(Math.max(canvas.width, canvas.height) / 55))
  const widest = () => {
    pen.font = `${size}px sans-serif`
    return Math.max(...lines.map((text) => pen.measureText(text).width))
  }
  while (size > 6 && widest() > canvas.width - size) size -= 1
  const row = size * 1.35
  const top = canvas.height - row * lines.length - size * 0.6
  pen.fillStyle = 'rgb(0 0 0 / 55%)'
  pen.fillRect(0, top, canvas.width, canvas.height - top)
  pen.fillStyle = '#fff'
  pen.textBaseline = 'top'
  for (const [index, text] of lines.entries()) pen.fillText(text, size * 0.5, top + size * 0.3 + index * row)
}
