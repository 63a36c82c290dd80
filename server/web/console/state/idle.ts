/**
 * How long nobody has touched the console: in any of its tabs, for they share one login. Its pages ask by themselves all day, so only
 * this tells an empty chair from somebody at work.
 */
const KEY = 'bk.touched'
/** Written down no oftener than this. */
const EVERY_MS = 5_000

let touched = Date.now()
let written = 0

function touch(): void {
  touched = Date.now()
  if (touched - written < EVERY_MS) return
  written = touched
  try {
    localStorage.setItem(KEY, String(touched))
  } catch {
    // Full or forbidden: this tab still knows of itself.
  }
}

if (typeof addEventListener === 'function') {
  for (const kind of ['pointerdown', 'keydown', 'wheel', 'touchstart']) addEventListener(kind, touch, { capture: true, passive: true })
}

export function idleSeconds(): number {
  let elsewhere = 0
  try {
    elsewhere = Number(localStorage.getItem(KEY)) || 0
  } catch {
    // As above.
  }
  const idle = Math.floor((Date.now() - Math.max(touched, elsewhere)) / 1000)
  return Math.min(Math.max(idle, 0), 2_678_400)
}
