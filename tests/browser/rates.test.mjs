// The seven rates at the desk: from a figure to its rows; a month is closed, something comes late, and the next revision names it.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { arrives, choose, openAs } from './desk.mjs'
import { desk, PASSWORD, Person, seedPlace, startServer, until } from './support.mjs'

let server
let root
let place
let browser
let page
let faults

/** The month before this one, as the form offers it. */
function lastMonth() {
  const first = new Date(`${new Date(Date.now() + 8 * 3_600_000).toISOString().slice(0, 7)}-01T00:00:00Z`)
  first.setUTCMonth(first.getUTCMonth() - 1)
  return first.toISOString().slice(0, 7)
}

before(async () => {
  server = await startServer()
  root = await new Person(server.base, 'root', PASSWORD).signIn()
  place = await seedPlace(root)
  browser = await desk()
  ;({ page, faults } = await openAs(browser, server.base, 'root'))
})

after(async () => {
  await browser?.close()
  await server?.stop()
})

it('leads from coverage to the premises without a picture', async () => {
  await page.goto(`${server.base}/statistics/rates`)
  const card = page.locator('[data-rate=coverage]')
  await card.getByRole('link').waitFor()
  assert.match(await card.innerText(), /0 \/ 1 家/)
  await card.getByRole('link').click()
  await arrives(page, '/statistics/rates/coverage')
  await page.getByRole('cell', { name: place.premises.name }).waitFor()
  await page.getByText('未覆盖', { exact: true }).first().waitFor()
})

it('closes a month', async () => {
  await page.goto(`${server.base}/statistics/closings`)
  await page.getByRole('button', { name: '月份关账' }).first().click()
  await choose(page, page.locator('.el-drawer'), '辖区', place.office.name)
  await page.locator('.el-drawer').getByRole('button', { name: '月份关账' }).click()
  await until('the closing is shown', async () => /\/statistics\/closings\/[0-9a-f-]{36}$/.test(new URL(page.url()).pathname))
  await page.getByText(`${place.office.name} ${lastMonth()}`).waitFor()
  assert.equal(await page.locator('[data-test=late]').count(), 0, 'nothing is late yet')
})

it('shows what came late and takes it into the next revision', async () => {
  const [closing] = (await root.get('/statistics/closings')).items
  // A premises is registered whose papers say that it was there all the time.
  const change = 'import sqlite3, sys; db = sqlite3.connect(sys.argv[1], timeout=30); db.execute("UPDATE premises SET created_at = 1 WHERE id = ?", (sys.argv[2],)); db.commit()'
  execFileSync('python3', ['-c', change, join(server.folder, 'test.db'), place.premises.id])
  await page.reload()
  const late = page.locator('[data-test=late]')
  await late.waitFor()
  assert.match(await late.innerText(), /1 项迟到的事实/)
  await page.getByRole('cell', { name: place.premises.name }).first().waitFor()
  await late.getByRole('button', { name: '生成下一号修订' }).click()
  await page.locator('.el-dialog textarea').fill('补登一家食堂')
  await page.locator('.el-dialog').getByRole('button', { name: '生成下一号修订' }).click()
  await until('the second revision is shown', async () => !page.url().includes(closing.id))
  await page.getByText('补登一家食堂').first().waitFor()
  await page.getByRole('link', { name: '第 1 号' }).waitFor()
  const list = (await root.get('/statistics/closings')).items
  assert.deepEqual(list.map((one) => one.revision), [2, 1])
  assert.deepEqual(faults, [])
})
