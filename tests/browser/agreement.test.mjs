// Two administrators: one gives a third a further role, which waits; the other agrees, and then it holds.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { openAs } from './desk.mjs'
import { desk, PASSWORD, Person, startServer, until } from './support.mjs'

let server
let root
let browser
let city
let target

before(async () => {
  server = await startServer()
  root = await new Person(server.base, 'root', PASSWORD).signIn()
  city = (await root.get('/organizations')).items[0]
  target = await root.post('/users', { username: 'gao', display_name: '高远', password: `${PASSWORD}-first`, grants: [{ role: 'administrator', node_id: city.id }] })
  // A second person, whose password nobody else chose.
  await server.admin('create', '--username', 'second', '--role', 'administrator', '--password-stdin')
  browser = await desk()
})

after(async () => {
  await browser?.close()
  await server?.stop()
})

it('says before saving that the further role will wait, and keeps it as a request', async () => {
  const one = await openAs(browser, server.base, 'root')
  await one.page.goto(`${server.base}/users?open=${target.id}`)
  const drawer = one.page.locator('.el-drawer:visible')
  await drawer.getByRole('button', { name: '添加角色' }).click()
  const line = drawer.locator('.grant').last()
  await line.locator('.el-select').first().click()
  await one.page.locator('.el-select-dropdown__item:visible', { hasText: '监管人员' }).first().click()
  await one.page.locator('.el-select-dropdown:visible').waitFor({ state: 'hidden' })
  await line.locator('.el-select').last().click()
  await one.page.locator('.el-select-dropdown__item:visible', { hasText: city.name }).first().click()
  await drawer.getByText('须经另一位管理员同意才生效').waitFor()
  await drawer.getByRole('button', { name: '保存' }).click()
  await one.page.locator('[data-test=requests]', { hasText: '高远' }).waitFor()
  assert.deepEqual((await root.get(`/users/${target.id}`)).pending_grants.map((grant) => grant.role), ['supervisor'])
  assert.equal(await one.page.locator('[data-test=approve]').count(), 0, 'who asked does not agree')
  await one.close()
})

it('is told to the second administrator, who agrees', async () => {
  const second = await openAs(browser, server.base, 'second')
  await second.page.goto(`${server.base}/notices`)
  await second.page.getByText('有角色等待您同意').first().click()
  await second.page.locator('[data-test=requests]', { hasText: '高远' }).waitFor()
  if (process.env.BRIGHT_KITCHEN_SHOTS) await second.page.screenshot({ path: `${process.env.BRIGHT_KITCHEN_SHOTS}/agreement.png` })
  await second.page.locator('[data-test=approve]').click()
  await second.page.locator('.el-message-box:visible').getByRole('button', { name: '同意' }).click()
  await until('the role holds', async () => (await root.get(`/users/${target.id}`)).grants.some((grant) => grant.role === 'supervisor'))
  await second.page.locator('[data-test=requests]').waitFor({ state: 'detached' })
  assert.deepEqual(second.faults, [])
  await second.close()
})
