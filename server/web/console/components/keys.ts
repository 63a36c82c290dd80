/** What a key does on the desk. One table for the handler and for the sheet that `?` shows. */
export type DeskCommand =
  | 'next' | 'previous' | 'open' | 'confirm' | 'falseAlarm' | 'dispatch' | 'accept' | 'sendBack' | 'rectify' | 'play'
  | 'frameBack' | 'frameOn' | 'slower' | 'faster' | 'claim' | 'handOver' | 'hold' | 'live' | 'earlier' | 'words' | 'help'

const KEYS: Record<string, DeskCommand> = {
  j: 'next', arrowdown: 'next', k: 'previous', arrowup: 'previous', enter: 'open', c: 'confirm', f: 'falseAlarm', d: 'dispatch',
  a: 'accept', b: 'sendBack', r: 'rectify', ' ': 'play', ',': 'frameBack', '.': 'frameOn', '?': 'help', '？': 'help', '，': 'frameBack', '。': 'frameOn',
  '[': 'slower', ']': 'faster', '【': 'slower', '】': 'faster', m: 'claim', t: 'handOver', h: 'hold', l: 'live', e: 'earlier', '/': 'words', '、': 'words',
}

export interface KeyPress { key: string; ctrlKey?: boolean; metaKey?: boolean; altKey?: boolean; isComposing?: boolean }
/** Where the focus is: what it is, and whether a dialog is open. */
export interface KeyPlace { tag?: string; role?: string | null; editable?: boolean; dialog?: boolean }

/** The command of a key press, or null where the key belongs to somebody else. */
export function deskCommand(press: KeyPress, place: KeyPlace): DeskCommand | null {
  const key = pageKey(press, place)
  return key === null ? null : commandOf(key)
}

/** What the desk does at a key, in small letters. */
export function commandOf(key: string): DeskCommand | null {
  return KEYS[key] ?? null
}

/** The key, in small letters, or null where it belongs to a field, a button, a dialog or the browser. */
export function pageKey(press: KeyPress, place: KeyPlace): string | null {
  if (press.ctrlKey || press.metaKey || press.altKey || press.isComposing || place.dialog || place.editable) return null
  const tag = place.tag?.toLowerCase()
  if (tag === 'input' || tag === 'textarea' || tag === 'select') return null
  // Space and Enter press a focused button, arrows move a slider or a tab: those stay theirs.
  const own = tag === 'button' || tag === 'a' || tag === 'summary' || ['slider', 'tab', 'radio', 'combobox', 'option', 'menuitem'].includes(place.role ?? '')
  if (own && [' ', 'Enter', 'ArrowDown', 'ArrowUp'].includes(press.key)) return null
  return press.key.toLowerCase()
}

export const KEY_SHEET: { keys: string[]; text: string }[] = [
  { keys: ['J', 'K'], text: 'next' }, { keys: ['Enter'], text: 'open' }, { keys: ['C'], text: 'confirm' },
  { keys: ['F'], text: 'falseAlarm' }, { keys: ['D'], text: 'dispatch' }, { keys: ['A'], text: 'accept' },
  { keys: ['B'], text: 'sendBack' }, { keys: ['R'], text: 'rectify' }, { keys: ['Space'], text: 'play' },
  { keys: [',', '.'], text: 'frame' }, { keys: ['[', ']'], text: 'speed' }, { keys: ['M'], text: 'claim' }, { keys: ['T'], text: 'handOver' },
  { keys: ['H'], text: 'hold' }, { keys: ['L'], text: 'live' }, { keys: ['E'], text: 'earlier' }, { keys: ['/'], text: 'words' }, { keys: ['Ctrl K'], text: 'search' }, { keys: ['?'], text: 'all' },
]
