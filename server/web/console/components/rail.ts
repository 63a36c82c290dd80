import {
  AlarmClock, Avatar, Bell, Box, Calendar, Clock, Collection, DataAnalysis, Document, DocumentChecked, Files, Finished, FirstAidKit, Histogram, Iphone, Lock, MagicStick, Message, Monitor, Notebook, OfficeBuilding, Operation, Postcard, Promotion,
  School, Setting, Sunny, Tickets, Timer, TrendCharts, User, VideoCamera, View, WarnTriangleFilled,
} from '@element-plus/icons-vue'
import type { Component } from 'vue'
import { allowed } from '../router'
import { useSession } from '../state/session'

export interface RailEntry { name: string; title: string; icon: Component }
export interface RailGroup { title?: string; entries: RailEntry[] }

const entry = (name: string, title: string, icon: Component): RailEntry => ({ name, title, icon })

/** What this person may open, in the rail's order; what a role may not do is not there. */
export function railGroups(): RailGroup[] {
  const session = useSession()
  const canteen = session.canteen
  const groups: RailGroup[] = [
    {
      entries: [
        entry('desk', canteen ? 'nav.myAlerts' : 'nav.desk', Bell),
        entry('duty', 'duty.title', Clock),
        entry('overview', 'nav.overview', DataAnalysis),
        entry('statistics', 'nav.statistics', Histogram),
        entry('risk', 'risk.title', TrendCharts),
      ],
    },
    {
      title: 'nav.video',
      entries: [
        entry('wall', canteen ? 'nav.kitchen' : 'nav.wall', Monitor),
        entry('patrol', 'nav.patrol', View),
        entry('school', 'parents.title', School),
        entry('cameras', 'nav.cameras', VideoCamera),
        entry('offline', 'nav.offline', WarnTriangleFilled),
      ],
    },
    {
      title: 'nav.inspections',
      entries: [
        entry('inspections', 'nav.inspectionList', DocumentChecked),
        entry('assignments', 'nav.assignments', Tickets),
        entry('plans', 'nav.plans', Calendar),
        entry('draws', 'nav.draws', MagicStick),
        entry('officers', 'nav.officers', Postcard),
        entry('late', 'nav.late', Box),
        entry('incidents', 'nav.incidents', FirstAidKit),
        entry('orders', 'nav.orders', Finished),
        entry('self-checks', 'nav.selfChecks', Notebook),
        entry('papers', 'nav.papers', Files),
        entry('templates', 'nav.templates', Collection),
      ],
    },
    {
      title: 'nav.places',
      entries: [
        entry('premises-list', 'nav.premises', School),
        entry('operators', 'nav.operators', Avatar),
        entry('organizations', 'nav.organizations', OfficeBuilding),
      ],
    },
    {
      title: 'nav.administration',
      entries: [
        entry('users', 'nav.users', User),
        entry('sign-in-rules', 'nav.signInRules', Lock),
        entry('calendar', 'nav.calendar', Sunny),
        entry('collect-devices', 'nav.collect', Iphone),
        entry('diagnosis', 'nav.diagnosis', Operation),
        // Everybody who reads papers finds it beside them; here it is a setting.
        ...(session.can('settings.manage') ? [entry('self-check-rules', 'nav.selfCheckRules', AlarmClock)] : []),
        entry('retention', 'nav.retention', Timer),
        entry('channels', 'nav.channels', Message),
        entry('webhooks', 'nav.webhooks', Promotion),
        entry('audit', 'nav.audit', Document),
        entry('system', 'nav.system', Setting),
      ],
    },
  ]
  return groups
    .map((group) => ({ ...group, entries: group.entries.filter((one) => allowed(one.name)) }))
    .filter((group) => group.entries.length > 0)
}
