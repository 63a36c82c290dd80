// A desk's browser, signed in; and the small moves that forms ask for.
import { PASSWORD } from './support.mjs'
import { watched } from './walk.mjs'

export const WIDE = { width: 1440, height: 900 }
export const NARROW = { width: 390, height: 844 }
/** How long anything on a page may take on a busy machine. */
const PATIENCE_MS = 60_000

/** A page of `username`, signed in through the form; `faults` gathers what no page may show. */
export async function openAs(browser, base, username, { password = PASSWORD, locale = 'zh-CN', ...context } = {}) {
  const opened = await browser.newContext({ viewport: WIDE, locale, acceptDownloads: true, ...context })
  await opened.addInitScript((language) => localStorage.setItem('bk.locale', language), locale)
  const page = await opened.newPage()
  page.setDefaultTimeout(PATIENCE_MS)
  const faults = await watched(page)
  await page.goto(`${base}/sign-in`)
  await signIn(page, username, password)
  return { page, faults, close: () => opened.close() }
}

export async function signIn(page, username, password = PASSWORD) {
  await page.fill('#username', username)
  await page.fill('#password', password)
  await page.keyboard.press('Enter')
  await arrives(page, (path) => path !== '/sign-in')
}

/** Waits until the page's path is this, whatever else its address says. */
export function arrives(page, path) {
  return page.waitForURL((url) => (typeof path === 'string' ? url.pathname === path : path(url.pathname)), { waitUntil: 'commit' })
}

/** Goes to an address as a link would, without loading the page anew. */
export async function walkTo(page, path) {
  await page.evaluate((to) => {
    history.pushState({}, '', to)
    dispatchEvent(new PopStateEvent('popstate', { state: {} }))
  }, path)
}

/** Chooses from a select that lies behind the label `name`: types, then takes the option that holds `text`. */
export async function choose(page, scope, name, text) {
  // The list of the select before it is still closing.
  await page.locator('.el-select-dropdown:visible').waitFor({ state: 'hidden' })
  await scope.locator('.el-form-item', { hasText: name }).locator('.el-select').first().click()
  await page.locator('.el-select-dropdown__item:visible', { hasText: text }).first().click()
}

/** The text field behind the label `name`. */
export function field(scope, name) {
  return scope.locator('.el-form-item', { has: scope.page().locator(`.el-form-item__label:text-is("${name}")`) }).locator('input, textarea').first()
}

/** Presses something that downloads; gives its name and content. */
export async function download(page, press) {
  const [got] = await Promise.all([page.waitForEvent('download'), press()])
  const parts = []
  for await (const part of await got.createReadStream()) parts.push(part)
  return { name: got.suggestedFilename(), content: Buffer.concat(parts) }
}
