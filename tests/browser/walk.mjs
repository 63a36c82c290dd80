// What every page is held to: nothing in the console, nothing refused, nothing blocked by the content policy, no sideways
// scrolling at the width of a phone, and nothing serious or critical for axe.
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Listens to a page from its first request on; `faults` gathers what no page may show. */
export async function watched(page) {
  const faults = []
  page.on('console', (message) => {
    // What the tools say of their own work is no fault of the page.
    if (message.text().startsWith('axe.')) return
    if (['error', 'warning'].includes(message.type())) faults.push(`console ${message.type()}: ${message.text()} (${message.location().url})`)
  })
  page.on('pageerror', (error) => faults.push(`uncaught: ${error.stack ?? error}`))
  page.on('response', (response) => {
    if (response.status() >= 400) faults.push(`${response.status()} ${response.request().method()} ${response.url()}`)
  })
  page.on('requestfailed', (request) => {
    // A page that is left lets go of what it was still asking for.
    const reason = request.failure()?.errorText ?? ''
    if (!reason.includes('ERR_ABORTED')) faults.push(`failed: ${reason} ${request.url()}`)
  })
  await page.exposeFunction('bkBlocked', (what) => faults.push(`blocked by the content policy: ${what}`))
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => window.bkBlocked(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`))
  })
  return faults
}

/** Waits until nothing is loading: the router is where the address says, no skeleton, no spinner, and two frames drawn since. */
export async function settled(page) {
  await page.waitForFunction(() => {
    // A page whose code is still on its way shows the one before it.
    const route = document.querySelector('#app')?.__vue_app__?.config.globalProperties.$router?.currentRoute.value
    const arrived = !route || location.pathname.endsWith(route.path)
    return arrived && !document.querySelector('[aria-busy="true"]:not([hidden]), .el-loading-mask, .skeleton, .van-loading, .van-skeleton')
  }, null, { timeout: 30_000 })
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))))
}

/** What axe finds serious or critical, one line a rule and place. */
export async function inaccessible(page) {
  // What is still fading in has not its colours yet.
  await page.evaluate(() => Promise.all(document.getAnimations().filter((one) => one.effect?.getComputedTiming().iterations !== Infinity).map((one) => one.finished.catch(() => undefined))))
  // Evaluated by the tools' own channel, so the page's content policy has no part in it.
  await page.evaluate(`if (!window.axe) { ${AXE} }`)
  // Vant says a toast as it says a dialog; it has nothing to name.
  const { violations } = await page.evaluate(() => window.axe.run({ exclude: ['.van-toast'] }, {
    // A film that is still loading is no fault of the page.
    preload: false,
    resultTypes: ['violations'],
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  }))
  return violations
    .filter((one) => ['serious', 'critical'].includes(one.impact))
    // What a bar at the edge covers is scrolled out from under it.
    .flatMap((one) => one.nodes.filter((node) => one.id !== 'target-size' || !node.any.some((why) => why.message.includes('partially obscured'))).map((node) => `${one.id} (${one.impact}): ${node.target.join(' ')} ${node.html.slice(0, 160)} — ${node.any.concat(node.all, node.none).map((why) => why.message).join('; ').slice(0, 300)}`))
}

/** Whether the page scrolls sideways; names what sticks out. */
export function sideways(page) {
  return page.evaluate(() => {
    const wide = document.documentElement.clientWidth
    const scroller = document.querySelector('#content') ?? document.documentElement
    const over = Math.max(document.documentElement.scrollWidth, document.body.scrollWidth) > wide + 1 || scroller.scrollWidth > scroller.clientWidth + 1
    if (!over) return null
    const out = [...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right > wide + 1 && one.getClientRects().length)
    return out.slice(0, 4).map((one) => `${one.tagName.toLowerCase()}.${[...one.classList].join('.')}`).join(', ') || 'something'
  })
}
