import {
  Bell, CircleCheck, CircleClose, Clock, Connection, Finished, Flag, MuteNotification, Promotion, Refresh,
  Search, Stamp, VideoPause, VideoPlay, Warning, WarningFilled,
} from '@element-plus/icons-vue'
import type { Component } from 'vue'

export type Tone = 'red' | 'amber' | 'blue' | 'violet' | 'green' | 'grey' | 'primary'
export interface Mark { tone: Tone; icon: Component; text: string }

const ALERT_STATES: Record<string, [Tone, Component]> = {
  raised: ['red', Bell],
  confirmed: ['amber', Flag],
  dismissed: ['grey', MuteNotification],
  dispatched: ['amber', Promotion],
  rectified: ['blue', Finished],
  closed: ['green', CircleCheck],
  cleared: ['grey', Refresh],
  inspection_requested: ['blue', Search],
  case_opened: ['violet', Stamp],
}
const CAMERA_STATES: Record<string, [Tone, Component]> = {
  recording: ['green', VideoPlay],
  degraded: ['amber', Warning],
  offline: ['red', CircleClose],
  connecting: ['blue', Connection],
  disabled: ['grey', VideoPause],
}
const OUTCOMES: Record<string, [Tone, Component]> = {
  conforms: ['green', CircleCheck],
  basically_conforms: ['amber', Warning],
  does_not_conform: ['red', CircleClose],
}
const LEVELS: Record<string, [Tone, Component]> = {
  yellow: ['amber', Clock],
  red: ['red', WarningFilled],
  supervised: ['red', Flag],
}
const CLASS_TONES: Tone[] = ['violet', 'red', 'amber', 'blue']

export const classTone = (alertClass: number): Tone => CLASS_TONES[alertClass] ?? 'grey'

/** The colour, the sign and the word that always go together. */
export function mark(group: 'alertState' | 'cameraState' | 'outcome' | 'alertLevel', code: string): Mark {
  const table = { alertState: ALERT_STATES, cameraState: CAMERA_STATES, outcome: OUTCOMES, alertLevel: LEVELS }[group]
  const [tone, icon] = table[code] ?? ['grey', Warning]
  return { tone, icon, text: `${group}.${code}` }
}
