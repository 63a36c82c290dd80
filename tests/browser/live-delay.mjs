// How long the live picture of a camera takes to come in a real browser, and when what the camera sends is seen: lines of JSON.
//
//   node live-delay.mjs BASE USERNAME PASSWORD CAMERA
//
// First {"first_ms":[…]}; then, until its input ends, {"dark":true,"at_ms":…} whenever the picture turned dark or light again:
// who runs this knows when the camera sent the first frame of that.
import { once } from 'node:events'
import { chromium } from 'playwright-core'

const [base, username, password, camera] = process.argv.slice(2)
const TURNS = 3
const say = (line) => console.log(JSON.stringify(line))
const browser = await chromium.launch({ executablePath: process.env.BRIGHT_KITCHEN_CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'] })
try {
  const page = await (await browser.newContext({ locale: 'en' })).newPage()
  await page.exposeFunction('told', say)
  await page.goto(`${base}/sign-in`)
  await page.fill('#username', username)
  await page.fill('#password', password)
  await page.keyboard.press('Enter')
  await page.waitForURL((url) => !url.pathname.endsWith('/sign-in'))
  const firsts = []
  for (let turn = 0; turn < TURNS; turn += 1) {
    await page.goto(`${base}/cameras`)
    await page.waitForLoadState('networkidle', { timeout: 10_000 }).catch(() => undefined)
    // Within the page, as somebody who clicks on a camera: what counts is from there to the first picture.
    firsts.push(await page.evaluate(async (path) => {
      const begun = performance.now()
      history.pushState({}, '', path)
      dispatchEvent(new PopStateEvent('popstate', { state: {} }))
      const video = await new Promise((resolve) => {
        const look = () => (document.querySelector('video') ? resolve(document.querySelector('video')) : setTimeout(look, 5))
        look()
      })
      await new Promise((resolve) => (video.readyState >= 2 ? resolve() : video.addEventListener('loadeddata', resolve, { once: true })))
      return performance.now() - begun
    }, `/cameras/${camera}`))
  }
  await page.evaluate(() => {
    const video = document.querySelector('video')
    const small = new OffscreenCanvas(32, 18).getContext('2d', { willReadFrequently: true })
    const brightness = () => {
      small.drawImage(video, 0, 0, 32, 18)
      const { data } = small.getImageData(0, 0, 32, 18)
      return data.reduce((sum, value, at) => sum + (at % 4 === 3 ? 0 : value), 0) / (data.length * 0.75)
    }
    const usual = brightness()
    let dark = false
    const look = (_, shown) => {
      const now = brightness() < usual * (dark ? 0.7 : 0.4)
      if (now !== dark) {
        dark = now
        window.told({ dark, at_ms: Date.now() + shown.expectedDisplayTime - performance.now() })
      }
      video.requestVideoFrameCallback(look)
    }
    video.requestVideoFrameCallback(look)
  })
  say({ first_ms: firsts })
  process.stdin.resume()
  await once(process.stdin, 'end')
} finally {
  await browser.close()
}
