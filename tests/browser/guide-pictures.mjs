// Takes the pictures of the user guide (docs/guide/pictures) from a running demo: the same pages in both languages.
//   node guide-pictures.mjs ADDRESS LOGINS [NAME...]
// ADDRESS is where the demo answers, LOGINS a file with what it printed at its start (user name, password, role, a line each);
// names choose some of the pictures. Nothing is changed in the demo.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { openAs } from './desk.mjs'
import { desk, phone, until } from './support.mjs'
import * as steps from './phone-steps.mjs'
import { settled } from './walk.mjs'

const [base, logins, ...chosen] = process.argv.slice(2)
if (!base || !logins) throw new Error('node guide-pictures.mjs ADDRESS LOGINS [NAME...]')
const FOLDER = new URL('../../docs/guide/pictures/', import.meta.url)
const SCREEN = { width: 1280, height: 800 }
const BYTES_MAX = 150_000
/** Colours, how much they are mixed for those that are missing, and a smaller width where pictures of cameras fill all: the first that fits. */
const TRIES = [[256, 0.6], [128, 0.3], [96, 0], [96, 0, 960], [48, 0, 800]]
const LOCALES = { zh: 'zh-CN', en: 'en' }
/** The pages are built with it; these tests need it for nothing else. */
const sharp = createRequire(new URL('../../server/web/package.json', import.meta.url))('sharp')

const lines = (await readFile(logins, 'utf8')).split('\n')
function password(username) {
  const found = lines.map((line) => line.trim().split(/\s+/)).find((words) => words[0] === username && words.length > 2)
  if (!found) throw new Error(`${logins} has no password of ${username}`)
  return found[1]
}

/** Saves what is seen, with as few colours as it needs to stay small. */
async function save(page, name) {
  await settled(page)
  // Pictures of cameras fade in, and what was said of the last act goes away.
  await page.waitForTimeout(1_500)
  await page.locator('.van-toast:visible').waitFor({ state: 'hidden' })
  const taken = await page.screenshot()
  for (const one of TRIES) {
    const [colours, dither, width] = one
    const small = await sharp(taken).resize({ width }).png({ palette: true, colours, dither, effort: 10 }).toBuffer()
    if (small.length > BYTES_MAX && one !== TRIES.at(-1)) continue
    await writeFile(new URL(`${name}.png`, FOLDER), small)
    console.log(`${name}.png: ${Math.round(small.length / 1000)} kB`)
    return
  }
}

/** At a desk: who looks, where, and what is waited for or done there first. */
const SCREENS = {
  desk: ['supervisor', '/desk', async (page) => {
    // What waits for nobody any more is shown where nothing waits.
    await page.locator('#content :is(.empty, video)').first().waitFor()
    if (!(await page.locator('#content video').count())) await page.goto(`${base}/desk?state=all`)
    await until('the clip', () => page.evaluate(() => document.querySelector('video')?.readyState >= 3))
    await page.evaluate(() => document.querySelector('video').pause())
  }],
  figures: ['supervisor', '/statistics/alerts', (page) => page.locator('.sums').waitFor()],
  wall: ['supervisor', '/wall', (page) => page.waitForTimeout(6_000)],
  camera: ['supervisor', '/cameras?state=recording', async (page) => {
    await page.locator('#content tbody tr a').first().click()
    await page.locator('.lane').first().waitFor()
    await until('live pictures', () => page.evaluate(() => document.querySelector('video')?.readyState >= 2))
  }],
  month: ['head', '/assignments?view=month', (page) => page.waitForTimeout(1_000)],
  users: ['admin', '/users', (page) => page.locator('tbody tr').first().waitFor()],
}

/** On a phone: who holds it, and what is tapped first. */
const PHONES = {
  officer: ['officer', (page) => page.waitForSelector('[data-test=synced][data-synced=true]')],
  canteen: ['canteen', (page) => page.locator('.van-tabbar-item').nth(2).click()],
}

await mkdir(FOLDER, { recursive: true })
const wanted = (name) => !chosen.length || chosen.includes(name)
/** The wall is pictures; one will do for both languages. */
const ONCE = new Set(['wall'])

const browser = await desk()
for (const [language, locale] of Object.entries(LOCALES)) {
  for (const [name, [username, path, prepare]] of Object.entries(SCREENS)) {
    if (!wanted(name) || (ONCE.has(name) && language !== 'zh')) continue
    const { page, close } = await openAs(browser, base, username, { password: password(username), locale, viewport: SCREEN, reducedMotion: 'reduce' })
    await page.goto(base + path)
    await settled(page)
    await prepare(page)
    await save(page, ONCE.has(name) ? name : `${name}.${language}`)
    await close()
  }
}
await browser.close()

for (const [language, locale] of Object.entries(LOCALES)) {
  for (const [name, [username, prepare]] of Object.entries(PHONES)) {
    if (!wanted(name)) continue
    const device = await phone({ locale })
    const context = await device.open()
    const page = context.pages()[0] ?? (await context.newPage())
    await steps.signIn(page, base, username, password(username))
    await prepare(page)
    await save(page, `${name}.${language}`)
    await device.throwAway()
  }
}
