// How long the live picture of a camera takes to come in a real browser, and how far behind the camera it is: prints JSON.
//
//   node live-delay.mjs BASE USERNAME PASSWORD CAMERA
//
// The delay is that of the player's own clock: the program dates each fragment by the arrival of its first picture.
import { chromium } from 'playwright-core'

const [base, username, password, camera] = process.argv.slice(2)
const TURNS = 3
const SETTLE_MS = 6_000
const browser = await chromium.launch({ executablePath: process.env.BRIGHT_KITCHEN_CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'] })
const result = { first_ms: [], delay_ms: [] }
try {
  const page = await (await browser.newContext({ locale: 'en' })).newPage()
  await page.goto(`${base}/sign-in`)
  await page.fill('#username', username)
  await page.fill('#password', password)
  await page.keyboard.press('Enter')
  await page.waitForURL((url) => !url.pathname.endsWith('/sign-in'))
  for (let turn = 0; turn < TURNS; turn += 1) {
    await page.goto(`${base}/cameras`)
    await page.waitForLoadState('networkidle', { timeout: 10_000 }).catch(() => undefined)
    // Within the page, as somebody who clicks on a camera: what counts is from there to the first picture.
    const first = await page.evaluate(async (path) => {
      const begun = performance.now()
      history.pushState({}, '', path)
      dispatchEvent(new PopStateEvent('popstate', { state: {} }))
      const video = await new Promise((resolve) => {
        const look = () => (document.querySelector('video') ? resolve(document.querySelector('video')) : setTimeout(look, 5))
        look()
      })
      await new Promise((resolve) => (video.readyState >= 2 ? resolve() : video.addEventListener('loadeddata', resolve, { once: true })))
      return performance.now() - begun
    }, `/cameras/${camera}`)
    result.first_ms.push(first)
    await page.waitForTimeout(SETTLE_MS)
    // The badge under the picture tells how far behind it is.
    const behind = await page.locator('.badge small').first().textContent({ timeout: 5_000 }).catch(() => null)
    const seconds = behind?.match(/[0-9]+(\.[0-9]+)?/)?.[0]
    if (seconds) result.delay_ms.push(Number(seconds) * 1000)
  }
} finally {
  await browser.close()
}
console.log(JSON.stringify(result))
