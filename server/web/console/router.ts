import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router'
import { shallowRef } from 'vue'
import { asProblem, type Problem } from '@shared/api/problem'
import type { Permission } from '@shared/api/types'
import { api } from './state/app'
import { useSession } from './state/session'

declare module 'vue-router' {
  interface RouteMeta {
    /** The key of the page's name, for the window's title and the search. */
    title?: string
    /** One of these is needed; without any the page is for everybody who is signed in. */
    needs?: Permission[]
    /** Open to people who are not signed in, drawn without the rail. */
    bare?: boolean
    /** For people who are signed in, drawn without the rail. */
    plain?: boolean
    /** Fills the window's height by itself and scrolls inside. */
    filled?: boolean
    /** Where the page sits in the rail when it is not there itself. */
    under?: string
  }
}

const routes: RouteRecordRaw[] = [
  { path: '/sign-in', name: 'sign-in', component: () => import('./pages/SignInPage.vue'), meta: { bare: true, title: 'signIn.title' } },
  { path: '/setup', name: 'setup', component: () => import('./pages/SetupPage.vue'), meta: { bare: true, title: 'setup.title' } },
  { path: '/password', name: 'password', component: () => import('./pages/ForcedPasswordPage.vue'), meta: { bare: true, title: 'signIn.changeTitle' } },
  { path: '/second-factor', name: 'second-factor', component: () => import('./pages/ForcedSecondFactorPage.vue'), meta: { bare: true, title: 'secondFactor.title' } },
  { path: '/', name: 'home', component: () => import('./pages/NotFoundPage.vue') },
  { path: '/desk', name: 'desk', component: () => import('./pages/DeskPage.vue'), meta: { title: 'nav.desk', needs: ['alerts.read'], filled: true } },
  { path: '/duty', name: 'duty', component: () => import('./pages/DutyPage.vue'), meta: { title: 'duty.title', needs: ['alerts.decide'] } },
  { path: '/alerts', redirect: (to) => ({ name: 'desk', query: to.query }) },
  { path: '/alerts/:id', name: 'alert', component: () => import('./pages/AlertPage.vue'), meta: { title: 'alerts.one', needs: ['alerts.read'], under: 'desk' } },
  { path: '/overview', name: 'overview', component: () => import('./pages/OverviewPage.vue'), meta: { title: 'nav.overview', needs: ['figures.read'] } },
  { path: '/statistics', name: 'statistics', component: () => import('./pages/StatisticsPage.vue'), meta: { title: 'nav.statistics', needs: ['figures.read'] } },
  { path: '/statistics/alerts', name: 'alert-figures', component: () => import('./pages/AlertFiguresPage.vue'), meta: { title: 'statistics.tab.alerts', needs: ['figures.read'], under: 'statistics' } },
  { path: '/statistics/rates', name: 'rates', component: () => import('./pages/RatesPage.vue'), meta: { title: 'statistics.tab.rates', needs: ['figures.read'], under: 'statistics' } },
  { path: '/statistics/rates/:figure(coverage|connection|online|completeness|patrol)', name: 'rate-rows', component: () => import('./pages/RateRowsPage.vue'), meta: { title: 'rates.rows', needs: ['figures.read'], under: 'statistics' } },
  { path: '/statistics/closings', name: 'closings', component: () => import('./pages/ClosingsPage.vue'), meta: { title: 'statistics.tab.closings', needs: ['figures.read'], under: 'statistics' } },
  { path: '/statistics/closings/:id', name: 'closing', component: () => import('./pages/ClosingPage.vue'), meta: { title: 'closings.one', needs: ['figures.read'], under: 'statistics' } },
  { path: '/statistics/proposals', name: 'rule-proposals', component: () => import('./pages/RuleProposalsPage.vue'), meta: { title: 'ruleProposals.title', needs: ['alerts.decide'], under: 'statistics' } },
  { path: '/statistics/proposals/:id', name: 'rule-proposal', component: () => import('./pages/RuleProposalPage.vue'), meta: { title: 'ruleProposals.one', needs: ['alerts.decide'], under: 'statistics' } },
  { path: '/risk', name: 'risk', component: () => import('./pages/RiskPage.vue'), meta: { title: 'risk.title', needs: ['assignments.read'] } },
  { path: '/settings/risk', name: 'risk-formula', component: () => import('./pages/RiskFormulaPage.vue'), meta: { title: 'riskFormula.title', needs: ['assignments.read'], under: 'risk' } },
  { path: '/offline', name: 'offline', component: () => import('./pages/OfflinePage.vue'), meta: { title: 'nav.offline', needs: ['cameras.read'] } },
  { path: '/settings/self-checks', name: 'self-check-rules', component: () => import('./pages/SelfCheckRulesPage.vue'), meta: { title: 'nav.selfCheckRules', needs: ['self_checks.read'] } },
  { path: '/settings/retention', name: 'retention', component: () => import('./pages/RetentionPage.vue'), meta: { title: 'nav.retention', needs: ['settings.manage'] } },
  { path: '/settings/calendar', name: 'calendar', component: () => import('./pages/CalendarPage.vue'), meta: { title: 'nav.calendar', needs: ['settings.manage'] } },
  { path: '/settings/sign-in', name: 'sign-in-rules', component: () => import('./pages/SignInRulesPage.vue'), meta: { title: 'nav.signInRules', needs: ['settings.manage'] } },
  { path: '/wall', name: 'wall', component: () => import('./pages/WallPage.vue'), meta: { title: 'nav.wall', needs: ['video.live'], filled: true } },
  { path: '/patrol', name: 'patrol', component: () => import('./pages/PatrolPage.vue'), meta: { title: 'nav.patrol', needs: ['patrols.walk'] } },
  { path: '/school', name: 'school', component: () => import('./pages/SchoolPage.vue'), meta: { title: 'parents.title', needs: ['video.parent'], plain: true } },
  { path: '/cameras', name: 'cameras', component: () => import('./pages/CamerasPage.vue'), meta: { title: 'nav.cameras', needs: ['cameras.read'] } },
  { path: '/cameras/:id', name: 'camera', component: () => import('./pages/CameraPage.vue'), meta: { title: 'cameras.one', needs: ['cameras.read'], under: 'cameras' } },
  { path: '/cameras/:id/health', name: 'camera-health', component: () => import('./pages/CameraHealthPage.vue'), meta: { title: 'cameras.health.title', needs: ['cameras.read'], under: 'cameras' } },
  { path: '/inspections', name: 'inspections', component: () => import('./pages/InspectionsPage.vue'), meta: { title: 'nav.inspectionList', needs: ['inspections.read'] } },
  { path: '/inspections/:id', name: 'inspection', component: () => import('./pages/InspectionPage.vue'), meta: { title: 'inspections.one', needs: ['inspections.read'], under: 'inspections' } },
  { path: '/assignments', name: 'assignments', component: () => import('./pages/AssignmentsPage.vue'), meta: { title: 'nav.assignments', needs: ['assignments.read'] } },
  { path: '/plans', name: 'plans', component: () => import('./pages/PlansPage.vue'), meta: { title: 'nav.plans', needs: ['assignments.manage'] } },
  { path: '/plans/:id', name: 'plan', component: () => import('./pages/PlanPage.vue'), meta: { title: 'plans.one', needs: ['assignments.manage'], under: 'plans' } },
  { path: '/draws', name: 'draws', component: () => import('./pages/DrawsPage.vue'), meta: { title: 'nav.draws', needs: ['assignments.manage'] } },
  { path: '/draws/:id', name: 'draw', component: () => import('./pages/DrawPage.vue'), meta: { title: 'draws.one', needs: ['assignments.manage'], under: 'draws' } },
  { path: '/officers', name: 'officers', component: () => import('./pages/OfficersPage.vue'), meta: { title: 'nav.officers', needs: ['assignments.manage'] } },
  { path: '/late', name: 'late', component: () => import('./pages/LatePage.vue'), meta: { title: 'nav.late', needs: ['assignments.manage'] } },
  { path: '/self-checks', name: 'self-checks', component: () => import('./pages/SelfChecksPage.vue'), meta: { title: 'nav.selfChecks', needs: ['self_checks.read'] } },
  { path: '/self-checks/:id', name: 'self-check', component: () => import('./pages/SelfCheckPage.vue'), meta: { title: 'nav.selfChecks', needs: ['self_checks.read'], under: 'self-checks' } },
  { path: '/incidents', name: 'incidents', component: () => import('./pages/IncidentsPage.vue'), meta: { title: 'nav.incidents', needs: ['incidents.read'] } },
  { path: '/incidents/:id', name: 'incident', component: () => import('./pages/IncidentPage.vue'), meta: { title: 'incident.name', needs: ['incidents.read'], under: 'incidents' } },
  { path: '/orders', name: 'orders', component: () => import('./pages/OrdersPage.vue'), meta: { title: 'nav.orders', needs: ['orders.read'] } },
  { path: '/orders/:id', name: 'order', component: () => import('./pages/OrderPage.vue'), meta: { title: 'orders.one', needs: ['orders.read'], under: 'orders' } },
  { path: '/papers', name: 'papers', component: () => import('./pages/PapersPage.vue'), meta: { title: 'nav.papers', needs: ['documents.read'] } },
  { path: '/papers/numbers', name: 'paper-numbers', component: () => import('./pages/PaperNumbersPage.vue'), meta: { title: 'papers.register', needs: ['documents.issue'], under: 'papers' } },
  { path: '/papers/layouts', name: 'layouts', component: () => import('./pages/LayoutsPage.vue'), meta: { title: 'papers.layouts', needs: ['documents.manage'], under: 'papers' } },
  { path: '/papers/layouts/:kind', name: 'layout', component: () => import('./pages/LayoutPage.vue'), meta: { title: 'papers.layout', needs: ['documents.manage'], under: 'papers' } },
  { path: '/templates', name: 'templates', component: () => import('./pages/TemplatesPage.vue'), meta: { title: 'nav.templates', needs: ['templates.read'] } },
  { path: '/templates/:id', name: 'template', component: () => import('./pages/TemplatePage.vue'), meta: { title: 'templates.one', needs: ['templates.read'], under: 'templates' } },
  { path: '/template-drafts/:id', name: 'template-draft', component: () => import('./pages/TemplateDraftPage.vue'), meta: { title: 'designer.title', needs: ['templates.manage'], under: 'templates' } },
  { path: '/premises', name: 'premises-list', component: () => import('./pages/PremisesListPage.vue'), meta: { title: 'nav.premises', needs: ['premises.read'] } },
  { path: '/premises/:id', name: 'premises', component: () => import('./pages/PremisesPage.vue'), meta: { title: 'premises.one', needs: ['premises.read'], under: 'premises-list' } },
  { path: '/operators', name: 'operators', component: () => import('./pages/OperatorsPage.vue'), meta: { title: 'nav.operators', needs: ['operators.read'] } },
  { path: '/organizations', name: 'organizations', component: () => import('./pages/OrganizationsPage.vue'), meta: { title: 'nav.organizations', needs: ['organizations.read'] } },
  { path: '/users', name: 'users', component: () => import('./pages/UsersPage.vue'), meta: { title: 'nav.users', needs: ['users.read'] } },
  { path: '/settings/diagnosis', name: 'diagnosis', component: () => import('./pages/DiagnosisPage.vue'), meta: { title: 'nav.diagnosis', needs: ['settings.manage'] } },
  { path: '/collect-devices', name: 'collect-devices', component: () => import('./pages/CollectDevicesPage.vue'), meta: { title: 'nav.collect', needs: ['users.manage'] } },
  { path: '/settings/channels', name: 'channels', component: () => import('./pages/ChannelsPage.vue'), meta: { title: 'nav.channels', needs: ['settings.manage'] } },
  { path: '/webhooks', name: 'webhooks', component: () => import('./pages/WebhooksPage.vue'), meta: { title: 'nav.webhooks', needs: ['webhooks.manage'] } },
  { path: '/audit', name: 'audit', component: () => import('./pages/AuditPage.vue'), meta: { title: 'nav.audit', needs: ['audit.read'] } },
  { path: '/system', name: 'system', component: () => import('./pages/SystemPage.vue'), meta: { title: 'nav.system', needs: ['system.read'] } },
  { path: '/account', name: 'account', component: () => import('./pages/AccountPage.vue'), meta: { title: 'nav.account' } },
  { path: '/guide/:page?', name: 'guide', component: () => import('./pages/GuidePage.vue'), meta: { title: 'guide.title' } },
  { path: '/notices', name: 'notices', component: () => import('./pages/NoticesPage.vue'), meta: { title: 'nav.notices' } },
  { path: '/:rest(.*)*', name: 'not-found', component: () => import('./pages/NotFoundPage.vue'), meta: { title: 'problem.page' } },
  // Never found by its path, which is that of the page asked for: only sent to, by name.
  { path: '/:rest(.*)*', name: 'forbidden', component: () => import('./pages/NotFoundPage.vue'), meta: { title: 'problem.forbidden' } },
]

export const router = createRouter({
  history: createWebHistory('/'),
  routes,
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
})

/** The pages a person may start on, best first. */
const STARTS = ['desk', 'overview', 'inspections', 'wall', 'cameras', 'premises-list', 'users', 'audit', 'system', 'school', 'account']

export function startPage(): string {
  const session = useSession()
  // An administrator without the desk's work starts where the district can be seen at a glance.
  const starts = session.can('alerts.decide', 'alerts.rectify') ? STARTS : ['overview', ...STARTS]
  return starts.find((name) => allowed(name)) ?? 'account'
}

export function allowed(name: string): boolean {
  const needs = routes.find((route) => route.name === name)?.meta?.needs
  return !needs || useSession().can(...needs)
}

/** Why nothing can be shown yet: the server did not say who is signed in. */
export const bootProblem = shallowRef<Problem | null>(null)
let bootTarget = '/'
export const bootAgain = () => router.replace(bootTarget)

router.beforeEach(async (to) => {
  const session = useSession()
  if (to.meta.bare) return true
  if (!api.session) return { name: 'sign-in', query: to.fullPath === '/' ? {} : { next: to.fullPath } }
  if (!session.me) {
    try {
      await session.load()
      bootProblem.value = null
    } catch (error) {
      if (!api.session) return { name: 'sign-in', query: { next: to.fullPath, why: 'ended' } }
      bootProblem.value = asProblem(error)
      bootTarget = to.fullPath
      return false
    }
  }
  if (session.me?.password_change_required) return { name: 'password', query: { next: to.fullPath } }
  if (session.me?.second_factor_required) return { name: 'second-factor', query: { next: to.fullPath } }
  if (to.name === 'home') return { name: startPage(), replace: true }
  if (to.meta.needs && !session.can(...to.meta.needs)) return { name: 'forbidden', params: { rest: to.path.slice(1).split('/') }, query: to.query }
  return true
})
