import { createPinia } from 'pinia'
import { createApp, watch } from 'vue'
import 'element-plus/theme-chalk/base.css'
import 'element-plus/theme-chalk/dark/css-vars.css'
import { call } from '@shared/api/call'
import { postNoticesIdRead } from '@shared/api/generated.operations'
import '@shared/tokens.css'
import './styles/element.css'
import './styles/base.css'
import '@shared/theme'
import App from './App.vue'
import { router } from './router'
import { api, i18n, locale, onSignedOut, text } from './state/app'
import { useLive } from './state/live'
import { useSession } from './state/session'

const app = createApp(App).use(createPinia()).use(i18n).use(router)

function leave(): void {
  useSession().forget()
  useLive().end()
  const here = router.currentRoute.value
  if (!here.meta.bare) void router.push({ name: 'sign-in', query: { next: here.fullPath, why: 'ended' } })
}
onSignedOut(leave)

// Another tab signed out: this one follows.
window.addEventListener('storage', (event) => {
  if (event.key === 'bk.session' && event.newValue === null) leave()
})

const titled = () => {
  const key = router.currentRoute.value.meta.title
  document.title = key ? `${text(key)} · ${text('product.name')}` : text('product.name')
}
router.afterEach(titled)
// Whoever comes by the link of a mail or a push has read what it told.
router.afterEach((to) => {
  const { notice, ...query } = to.query
  if (typeof notice !== 'string' || to.meta.bare) return
  void call(api, postNoticesIdRead, { path: { id: notice } }).catch(() => undefined)
  void router.replace({ ...to, query })
})
watch(locale, titled)

app.mount('#app')
