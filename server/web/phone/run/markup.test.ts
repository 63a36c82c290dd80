import { describe, expect, it } from 'vitest'
import { makingsOf, rectOf, watermarkLines, type Shape } from './markup'

const from = { x: 10, y: 20 }
const to = { x: 2, y: 50 }

describe('marks on a photo', () => {
  it('say how the picture was made', () => {
    const arrow: Shape = { tool: 'arrow', from, to }
    expect(makingsOf([], false)).toEqual([])
    expect(makingsOf([arrow, { tool: 'text', from, text: '霉' }], false)).toEqual(['drawing'])
    expect(makingsOf([{ tool: 'black', from, to }], true)).toEqual(['redaction', 'watermark'])
    expect(makingsOf([arrow, { tool: 'coarse', from, to }], false)).toEqual(['redaction', 'drawing'])
  })

  it('cover what lies between two points, whichever came first', () => {
    expect(rectOf(from, to)).toEqual({ x: 2, y: 20, width: 8, height: 30 })
  })

  it('name time, place, officers, inspection and the file as taken', () => {
    const facts = { taken_at: '2026-11-29T02:03:00.000Z', premises: '东岸小学食堂', officers: ['陈立群', '黄志远'], inspection_id: 'i', sha256: 'ab'.repeat(32) }
    expect(watermarkLines(facts)).toEqual(['2026年11月29日10时03分　东岸小学食堂', '位置：未定位', '检查人员：陈立群、黄志远', '检查：i', `原件SHA-256：${'ab'.repeat(8)}…`])
    expect(watermarkLines({ ...facts, place: { latitude: 23.123456, longitude: 116.5, accuracy_m: 12.4 } })[1]).toBe('位置：23.12346, 116.50000（精度12米）')
  })
})
