// How long an alert's clip takes until its first frame is seen, from the key press or the click on, in a real browser: one line of JSON,
// {"next_ms":[…],"further_ms":[…]}.
//
//   node clip-speed.mjs BASE USERNAME PASSWORD
import { chromium } from 'playwright-core'

const [base, username, password] = process.argv.slice(2)
/** Of each kind. */
const TIMES = 12
const browser = await chromium.launch({ executablePath: process.env.BRIGHT_KITCHEN_CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'] })
try {
  const page = await (await browser.newContext({ locale: 'zh-CN', viewport: { width: 1440, height: 900 } })).newPage()
  await page.goto(`${base}/sign-in`)
  await page.fill('#username', username)
  await page.fill('#password', password)
  await page.keyboard.press('Enter')
  await page.waitForURL((url) => url.pathname === '/desk')
  await page.locator('.detail .player video').waitFor()
  await page.waitForTimeout(2_000)
  /** Does something that opens another alert; milliseconds until a frame of another clip is seen. */
  const until = (open) => page.evaluate(async (how) => {
    const rows = [...document.querySelectorAll('.inbox [role=option]')]
    const at = rows.findIndex((row) => row.getAttribute('aria-selected') === 'true')
    const before = document.querySelector('.detail .player video')?.currentSrc
    const begun = performance.now()
    if (how === 'next') document.dispatchEvent(new KeyboardEvent('keydown', { key: 'j', bubbles: true }))
    else rows[(at + 7) % rows.length].click()
    const video = await new Promise((resolve) => {
      const look = () => {
        const one = document.querySelector('.detail .player video')
        if (one?.currentSrc && one.currentSrc !== before && one.readyState >= 2) resolve(one)
        else setTimeout(look, 4)
      }
      look()
    })
    await new Promise((resolve) => video.requestVideoFrameCallback(resolve))
    return performance.now() - begun
  }, open)
  const next = []
  const further = []
  for (let turn = 0; turn < TIMES; turn += 1) {
    next.push(await until('next'))
    // As long as somebody looks at it.
    await page.waitForTimeout(1_500)
    further.push(await until('further'))
    await page.waitForTimeout(1_500)
  }
  console.log(JSON.stringify({ next_ms: next, further_ms: further }))
} finally {
  await browser.close()
}
