import { watch } from 'vue'
import { createRouter, createWebHistory } from 'vue-router'
import { isCanteen, isOfficer, isParent, locked, me, toSchool, unready } from './core'
import { pinWanted } from './lock'
import SignIn from './views/SignIn.vue'
import Unlock from './views/Unlock.vue'

type Pages = typeof import('./pages')
/** Fetched once the first page stands; no page is waited for again after that. */
export const loadPages = (): Promise<Pages> => import('./pages')
const page = (name: keyof Pages) => async () => (await loadPages())[name]

declare module 'vue-router' {
  interface RouteMeta { tab?: boolean; open?: boolean }
}

export const home = () => (isOfficer.value ? '/today' : isCanteen.value ? '/kitchen' : '/premises')

export const router = createRouter({
  history: createWebHistory('/m/'),
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
  routes: [
    { path: '/', redirect: () => home() },
    { path: '/sign-in', component: SignIn, meta: { open: true } },
    { path: '/password', component: page('Password') },
    { path: '/second-factor', component: page('SecondFactor') },
    { path: '/told', component: page('Told') },
    { path: '/unlock', component: Unlock },
    { path: '/pin', component: page('Pin') },
    { path: '/today', component: page('Today'), meta: { tab: true } },
    { path: '/premises', component: page('Premises'), meta: { tab: true } },
    { path: '/premises/:id', component: page('PremisesPage'), props: true },
    { path: '/premises/:id/incident', component: page('Incident'), props: true },
    { path: '/premises/:id/incidents/:incident', component: page('StandingIncident'), props: true },
    { path: '/messages', component: page('Messages'), meta: { tab: true } },
    { path: '/me', component: page('Me'), meta: { tab: true } },
    { path: '/kitchen', component: page('Kitchen'), meta: { tab: true } },
    { path: '/alerts', component: page('Alerts'), meta: { tab: true } },
    { path: '/alerts/:id', component: page('Alert'), props: true },
    { path: '/orders', component: page('Orders') },
    { path: '/orders/:id', component: page('Order'), props: true },
    { path: '/outbox', component: page('Outbox') },
    { path: '/self-checks', component: page('SelfChecks'), meta: { tab: true } },
    { path: '/self-checks/:id', component: page('SelfCheck'), props: true },
    { path: '/self-checks/:id/labels', component: page('Labels'), props: true },
    { path: '/papers/:id', component: page('Paper'), props: true },
    { path: '/inspections/:id', component: page('Checklist'), props: true },
    // The code at a premises' door, read by the phone's own camera app.
    { path: '/p/:code', redirect: (to) => { const [id, door] = String(to.params.code).split('.'); return { path: `/premises/${id}`, query: { door } } } },
    { path: '/inspections/:id/visit', component: page('Visit'), props: true },
    { path: '/scan', component: page('Scan') },
    { path: '/inspections/:id/team', component: page('Team'), props: true },
    { path: '/inspections/:id/review', component: page('Review'), props: true },
    { path: '/inspections/:id/sampling', component: page('Sampling'), props: true },
    { path: '/inspections/:id/sign', component: page('Signing'), props: true },
    { path: '/inspections/:id/sent', component: page('Sent'), props: true },
    { path: '/:rest(.*)*', redirect: () => home() },
  ],
})

// The pages did not come: the network went at a first start, or the server has newer ones. Loading anew settles both.
router.onError((_error, to, from) => {
  if (from.matched.length > 0) location.assign(router.resolve(to.fullPath).href)
})

// It locks by itself after a while out of sight.
watch(locked, (now) => {
  const { path, fullPath, meta, matched } = router.currentRoute.value
  // Before the first page there is nothing to leave: its own guard asks.
  if (now && matched.length > 0 && !meta.open && path !== '/unlock') void router.replace({ path: '/unlock', query: { next: fullPath } })
})

router.beforeEach((to) => {
  if (!me.value && !to.meta.open) return { path: '/sign-in', query: to.redirectedFrom ? {} : { next: to.fullPath } }
  if (isParent.value && me.value && !unready(me.value)) {
    toSchool()
    return false
  }
  if (me.value?.password_change_required && to.path !== '/password' && !to.meta.open) return '/password'
  if (me.value && !me.value.password_change_required && unready(me.value) && to.path !== '/second-factor' && !to.meta.open) return '/second-factor'
  if (!me.value || to.meta.open || unready(me.value)) return true
  if (locked.value) return to.path === '/unlock' ? true : { path: '/unlock', query: { next: to.fullPath } }
  if (pinWanted.value) return to.path === '/pin' ? true : { path: '/pin', query: { next: to.fullPath } }
  return to.path === '/unlock' ? home() : true
})
