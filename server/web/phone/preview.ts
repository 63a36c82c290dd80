/** The designer's window on the phone: the same cards, conditions and words, with nothing stored and nothing sent. */
import { createApp } from 'vue'
import '@shared/tokens.css'
import '@shared/theme'
import 'vant/es/dialog/style'
import 'vant/es/image-preview/style'
import './phone.css'
import Preview from './run/Preview.vue'

createApp(Preview).mount('#app')
