import { watch } from 'vue'
import { createRouter, createWebHistory } from 'vue-router'
import { isCanteen, isOfficer, isParent, locked, me, toSchool } from './core'
import { pinWanted } from './lock'
import Alert from './views/Alert.vue'
import Alerts from './views/Alerts.vue'
import Incident from './views/Incident.vue'
import Kitchen from './views/Kitchen.vue'
import Me from './views/Me.vue'
import Messages from './views/Messages.vue'
import Order from './views/Order.vue'
import Orders from './views/Orders.vue'
import OutboxPage from './views/Outbox.vue'
import Password from './views/Password.vue'
import Premises from './views/Premises.vue'
import PremisesPage from './views/PremisesPage.vue'
import Pin from './views/Pin.vue'
import Scan from './views/Scan.vue'
import SelfCheck from './views/SelfCheck.vue'
import SelfChecks from './views/SelfChecks.vue'
import SignIn from './views/SignIn.vue'
import Today from './views/Today.vue'
import Unlock from './views/Unlock.vue'
import Labels from './views/Labels.vue'
import Paper from './run/Paper.vue'
import Checklist from './run/Checklist.vue'
import Review from './run/Review.vue'
import Sent from './run/Sent.vue'
import Sampling from './run/Sampling.vue'
import Signing from './run/Signing.vue'
import Team from './run/Team.vue'
import Visit from './run/Visit.vue'

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
    { path: '/password', component: Password },
    { path: '/unlock', component: Unlock },
    { path: '/pin', component: Pin },
    { path: '/today', component: Today, meta: { tab: true } },
    { path: '/premises', component: Premises, meta: { tab: true } },
    { path: '/premises/:id', component: PremisesPage, props: true },
    { path: '/premises/:id/incident', component: Incident, props: true },
    { path: '/messages', component: Messages, meta: { tab: true } },
    { path: '/me', component: Me, meta: { tab: true } },
    { path: '/kitchen', component: Kitchen, meta: { tab: true } },
    { path: '/alerts', component: Alerts, meta: { tab: true } },
    { path: '/alerts/:id', component: Alert, props: true },
    { path: '/orders', component: Orders },
    { path: '/orders/:id', component: Order, props: true },
    { path: '/outbox', component: OutboxPage },
    { path: '/self-checks', component: SelfChecks, meta: { tab: true } },
    { path: '/self-checks/:id', component: SelfCheck, props: true },
    { path: '/self-checks/:id/labels', component: Labels, props: true },
    { path: '/papers/:id', component: Paper, props: true },
    { path: '/inspections/:id', component: Checklist, props: true },
    // The code at a premises' door, read by the phone's own camera app.
    { path: '/p/:code', redirect: (to) => { const [id, door] = String(to.params.code).split('.'); return { path: `/premises/${id}`, query: { door } } } },
    { path: '/inspections/:id/visit', component: Visit, props: true },
    { path: '/scan', component: Scan },
    { path: '/inspections/:id/team', component: Team, props: true },
    { path: '/inspections/:id/review', component: Review, props: true },
    { path: '/inspections/:id/sampling', component: Sampling, props: true },
    { path: '/inspections/:id/sign', component: Signing, props: true },
    { path: '/inspections/:id/sent', component: Sent, props: true },
    { path: '/:rest(.*)*', redirect: () => home() },
  ],
})

// It locks by itself after a while out of sight.
watch(locked, (now) => {
  const { path, fullPath, meta, matched } = router.currentRoute.value
  // Before the first page there is nothing to leave: its own guard asks.
  if (now && matched.length > 0 && !meta.open && path !== '/unlock') void router.replace({ path: '/unlock', query: { next: fullPath } })
})

router.beforeEach((to) => {
  if (!me.value && !to.meta.open) return { path: '/sign-in', query: to.redirectedFrom ? {} : { next: to.fullPath } }
  if (isParent.value && me.value && !me.value.password_change_required) {
    toSchool()
    return false
  }
  if (me.value?.password_change_required && to.path !== '/password' && !to.meta.open) return '/password'
  if (!me.value || to.meta.open || me.value.password_change_required) return true
  if (locked.value) return to.path === '/unlock' ? true : { path: '/unlock', query: { next: to.fullPath } }
  if (pinWanted.value) return to.path === '/pin' ? true : { path: '/pin', query: { next: to.fullPath } }
  return to.path === '/unlock' ? home() : true
})
