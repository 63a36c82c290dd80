/** The wire types of the HTTP contract, as the pages use them. Times are RFC 3339 in UTC; ids are UUIDv7. */
export interface Page<T> { items: T[]; next: string | null; total?: number; total_capped?: boolean }

export type Permission =
  | 'organizations.read' | 'organizations.manage' | 'operators.read' | 'operators.manage' | 'premises.read' | 'premises.manage'
  | 'users.read' | 'users.manage' | 'cameras.read' | 'cameras.manage' | 'cameras.test' | 'video.live' | 'video.recorded'
  | 'video.export' | 'alerts.read' | 'alerts.decide' | 'alerts.rectify' | 'inspections.read' | 'inspections.conduct'
  | 'assignments.read' | 'assignments.manage' | 'templates.read' | 'audit.read' | 'system.read' | 'settings.manage'
  | 'figures.read' | 'webhooks.manage'

export interface Grant {
  role: string
  node_id: string
  node_name?: string
  node_level?: string
  valid_until?: string | null
}

export interface Me {
  id: string
  username: string
  display_name: string
  password_change_required: boolean
  grants: Grant[]
  permissions: Permission[]
  server_time: string
  locale?: string
}

export type OrganizationLevel = 'city' | 'district' | 'office'
export interface Organization {
  id: string
  name: string
  level: OrganizationLevel
  parent_id: string | null
  premises_count?: number
  version: number
}

export interface Operator {
  id: string
  name: string
  credit_code?: string | null
  contact_name?: string | null
  contact_phone?: string | null
  licence_number?: string | null
  licence_scope?: string | null
  licence_expires_on?: string | null
  version: number
  updated_at?: string
}

export type OperatorPart = 'own' | 'contractor' | 'supplier'
export interface PremisesOperator {
  operator_id: string
  name: string
  part: OperatorPart
  valid_from?: string | null
  valid_until?: string | null
}

export interface ServiceHours { days: number[]; from: string; to: string }

export interface Premises {
  id: string
  name: string
  kind: string
  organization_id: string
  organization_name: string
  address?: string | null
  latitude?: number | null
  longitude?: number | null
  datum?: string | null
  school?: string | null
  diners?: number | null
  risk_grade?: string | null
  grid?: string | null
  service_hours?: ServiceHours[] | null
  code?: string | null
  disabled: boolean
  operators?: PremisesOperator[]
  cameras: { total: number; online: number }
  open_alerts: number
  last_inspection: { id: string; result: string; submitted_at: string } | null
  version: number
  updated_at?: string
}

export interface User {
  id: string
  username: string
  display_name: string
  phone?: string | null
  certificate_number?: string | null
  disabled: boolean
  must_change_password: boolean
  locked_until?: string | null
  last_login_at?: string | null
  grants: Grant[]
  version: number
}

export interface Role { code: string; name: { zh: string; en: string }; permissions: Permission[] }

export type CameraState = 'disabled' | 'connecting' | 'recording' | 'degraded' | 'offline'
export interface Camera {
  id: string
  name: string
  premises_id: string
  premises_name: string
  organization_id?: string
  source_url: string
  username?: string | null
  has_password: boolean
  transport?: string | null
  zone?: string | null
  enabled: boolean
  audio?: boolean
  retention_days?: number | null
  state: CameraState
  state_reason?: string | null
  state_detail?: string | null
  state_since?: string | null
  codec?: string | null
  width?: number | null
  height?: number | null
  fps?: number | null
  key_frame_interval_ms?: number | null
  bit_rate?: number | null
  last_picture_at?: string | null
  open_alerts?: number
  version: number
}

export interface CameraTest {
  ok: boolean
  codec?: string
  width?: number
  height?: number
  fps?: number
  key_frame_interval_ms?: number
  still?: string
  problem?: string
  detail?: string
}

export interface TimelineAlert { id: string; kind: string; class: number; at: string; ended_at?: string | null }
export interface Timeline {
  segments: { start: string; end: string }[]
  gaps: { start: string; end: string; reason: string }[]
  alerts?: TimelineAlert[]
}

export interface DiagnosisRule {
  enabled: boolean
  threshold: number
  duration_s: number
  clear_s: number
  repeat_interval_s: number
}
export type DiagnosisScope = 'system' | 'premises' | 'camera'
/** A rule in force, each value with the scope it comes from. */
export type EffectiveDiagnosis = Record<string, Record<string, unknown>>

export type AlertState =
  | 'raised' | 'confirmed' | 'dismissed' | 'dispatched' | 'rectified' | 'closed' | 'cleared' | 'inspection_requested' | 'case_opened'
export type AlertLevel = 'none' | 'yellow' | 'red' | 'supervised'
export type AlertAction = 'confirm' | 'dismiss' | 'reopen' | 'dispatch' | 'rectify' | 'review'

export interface Clip {
  state: 'pending' | 'ready' | 'none'
  start?: string | null
  end?: string | null
  sha256?: string | null
  bytes?: number | null
}

export interface Alert {
  id: string
  kind: string
  class: number
  state: AlertState
  level: AlertLevel
  camera_id: string | null
  camera_name: string | null
  premises_id: string
  premises_name: string
  organization_name?: string
  raised_at: string
  began_at?: string | null
  ended_at?: string | null
  last_seen_at?: string | null
  count: number
  measure?: number | null
  threshold?: number | null
  clip: Clip
  has_still: boolean
  due_at?: string | null
  version: number
  allowed_actions: AlertAction[]
}

export interface Evidence { id: string; filetype: string; bytes?: number }
export interface AlertClock {
  name: string
  started_at: string
  due_at: string
  unit?: string
  paused_at?: string | null
  stopped_at?: string | null
  late?: unknown
}
export interface AlertEvent {
  id: string
  at: string
  action: string
  from?: AlertState | null
  to?: AlertState | null
  actor: { kind: 'user' | 'system'; id?: string | null; name?: string | null }
  reason?: string | null
  text?: string | null
  deadline?: string | null
  evidence?: Evidence[]
  rule?: unknown
}
export interface AlertDetail extends Alert {
  occurrences: { at: string; measure?: number | null }[]
  clocks: AlertClock[]
  history: AlertEvent[]
  rule?: Record<string, unknown> | null
}

export interface Overview {
  premises: { total: number; online: number }
  cameras: { total: number; online: number; by_state: Partial<Record<CameraState, number>> }
  alerts: { open: number; by_state: Partial<Record<AlertState, number>>; by_class: Record<string, number>; overdue: number }
  inspections: { today: number; in_progress: number }
  rectification: { dispatched: number; rectified: number; on_time: number }
  trend: { date: string; alerts: number; dismissed: number }[]
  server_time: string
}

export interface UploadedFile { id: string; sha256: string; filetype: string; bytes: number; width?: number; height?: number }

export interface Bilingual { zh: string; en: string }
export interface TemplateItem {
  code: string
  key: boolean
  text: Bilingual
  basis?: string | null
  number?: { unit: string; min?: number | null; max?: number | null; label: Bilingual } | null
  min_photos?: number
  photo_on_fail?: boolean
}
export interface TemplateSection { code: string; name: Bilingual; items: TemplateItem[] }
export interface Template {
  id: string
  code: string
  version: number
  name: Bilingual
  premises_kinds: string[]
  published_at?: string | null
  body?: { rule?: unknown; sections: TemplateSection[] }
  sections?: TemplateSection[]
}

export interface Assignment {
  id: string
  premises_id: string
  premises_name?: string
  template_id: string
  kind: string
  due_on: string
  officer_ids?: string[]
  officers?: { id: string; display_name?: string; name?: string; lead?: boolean }[]
  approval_number?: string | null
  source?: string | null
  state: string
  reason?: string | null
  inspection_id?: string | null
  version: number
}

export interface InspectionResult {
  outcome: string
  checked: number
  key_checked: number
  general_checked: number
  key_failed: string[]
  general_failed: string[]
  not_applicable: string[]
  score: number | null
  grade: string
  consequences?: { item_code: string; consequence: string }[]
  unanswered?: string[]
}
export interface InspectionEvidence {
  id: string
  kind: 'photo' | 'signature'
  sha256: string
  filetype?: string
  bytes?: number
  taken_at?: string
  item_code?: string | null
  present?: boolean
  received?: boolean
}
export interface InspectionAnswer {
  item_code: string
  result: 'conforms' | 'fails' | 'not_applicable'
  remark?: string | null
  reason?: string | null
  number?: number | null
  affects_safety?: boolean | null
  corrected_on_spot?: boolean | null
  answered_at?: string
  evidence_ids?: string[]
}
export interface InspectionSignature {
  by: string
  name: string
  evidence_id?: string | null
  refused: boolean
  reason?: string | null
  shown_sha256?: string
}

export interface Inspection {
  id: string
  premises_id: string
  premises_name?: string
  template_id: string
  template_name?: Bilingual
  kind: string
  state: string
  started_at: string
  submitted_at?: string | null
  officers?: { id: string; display_name?: string; name?: string }[] | string[]
  outcome?: string | null
  score?: number | null
  grade?: string | null
  result?: InspectionResult | string | null
  differs?: boolean
  missing_evidence?: number | { id: string }[]
}

export interface AuditEntry {
  seq: number
  at: string
  actor: { id?: string | null; name?: string | null } | null
  action: string
  entity?: string | null
  entity_id?: string | null
  detail?: unknown
  ip?: string | null
  hash?: string | null
}

export interface SystemHealth {
  version: string
  uptime_s: number
  database: { engine: string; ok: boolean; size_bytes: number }
  disk: { path: string; free_bytes: number; total_bytes: number; level: string } | null
  recording: { cameras: number; recording: number; events_dropped?: number; write_latency_ms_p99?: number | null }
  /** `running` counts processes. */
  analysis: { running: number; restarts: number; queue: number; looks?: number; failed_looks?: number }
  jobs: { waiting: number; failed: number }
  outbox: { waiting: number; failed: number }
  time: { server: string }
  tls: boolean
  problems: { code: string; detail: string }[]
}

export interface Webhook { id: string; url: string; kinds: string[]; enabled: boolean; version?: number; secret?: string; created_at?: string }
export interface Delivery {
  /** The event's id, the same at every try. */
  id: string
  event: string
  attempts: number
  state: 'waiting' | 'delivered' | 'failed'
  next_at?: string | null
  delivered_at?: string | null
  last_status?: number | null
  last_error?: string | null
  created_at: string
}

export interface Notice {
  id: string
  /** alert_raised, dispatched, rectified, half_time, overdue, sent_back, closed or assigned */
  kind: string
  /** The alert or assignment it is about. */
  work_id?: string | null
  /** What its text is filled from. */
  detail?: Record<string, unknown> | null
  at: string
  read_at?: string | null
}

export interface ImportReport {
  rows: number
  creates: number
  updates: number
  errors: { row: number; column: string; code: string; detail: string }[]
  applied: boolean
  passwords?: { username: string; password: string }[]
}
