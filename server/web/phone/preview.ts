/** The designer's window on the phone: the same cards, conditions and words, with nothing stored and nothing sent. */
import { createApp } from 'vue'
import '@shared/tokens.css'
import '@shared/theme'
import 'vant/es/dialog/style'
import 'vant/es/image-preview/style'
import './phone.css'
import { i18n } from './i18n'
import Preview from './run/Preview.vue'

createApp(Preview).use(i18n).mount('#app')
