import { describe, expect, it } from 'vitest'
import { deskCommand, KEY_SHEET } from './keys'

describe('keys of the desk', () => {
  it('mean their commands, in either case and with a Chinese keyboard', () => {
    expect(deskCommand({ key: 'j' }, {})).toBe('next')
    expect(deskCommand({ key: 'K' }, {})).toBe('previous')
    expect(deskCommand({ key: 'Enter' }, { tag: 'DIV' })).toBe('open')
    expect(deskCommand({ key: ' ' }, {})).toBe('play')
    expect(deskCommand({ key: '，' }, {})).toBe('frameBack')
    expect(deskCommand({ key: '?' }, {})).toBe('help')
    expect(deskCommand({ key: '】' }, {})).toBe('faster')
    expect(deskCommand({ key: 'z' }, {})).toBeNull()
  })

  it('are all on the sheet', () => {
    for (const { keys } of KEY_SHEET) {
      for (const key of keys.filter((one) => one !== 'Ctrl K')) expect(deskCommand({ key: key === 'Space' ? ' ' : key }, {}), key).not.toBeNull()
    }
  })

  it('stay with the field that is typed in, and with the browser', () => {
    expect(deskCommand({ key: 'c' }, { tag: 'INPUT' })).toBeNull()
    expect(deskCommand({ key: 'c' }, { tag: 'TEXTAREA' })).toBeNull()
    expect(deskCommand({ key: 'c' }, { editable: true })).toBeNull()
    expect(deskCommand({ key: 'c', ctrlKey: true }, {})).toBeNull()
    expect(deskCommand({ key: 'j', isComposing: true }, {})).toBeNull()
    expect(deskCommand({ key: 'd' }, { dialog: true })).toBeNull()
  })

  it('leave a focused button, link or slider its own keys but no others', () => {
    expect(deskCommand({ key: ' ' }, { tag: 'BUTTON' })).toBeNull()
    expect(deskCommand({ key: 'Enter' }, { tag: 'A' })).toBeNull()
    expect(deskCommand({ key: 'ArrowDown' }, { tag: 'DIV', role: 'slider' })).toBeNull()
    expect(deskCommand({ key: 'j' }, { tag: 'BUTTON' })).toBe('next')
  })
})
