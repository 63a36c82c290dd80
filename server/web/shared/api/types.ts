/** The wire types as the pages use them, taken from the contract (`generated.ts`). Times are RFC 3339 in UTC; ids are UUIDv7. */
import type { components } from './generated'

type Schemas = components['schemas']

export interface Page<T> { items: T[]; next?: string | null; total?: number; total_capped?: boolean }

export type Permission =
  | 'organizations.read' | 'organizations.manage' | 'operators.read' | 'operators.manage' | 'premises.read' | 'premises.manage' | 'premises.merge'
  | 'users.read' | 'users.manage' | 'cameras.read' | 'cameras.manage' | 'cameras.test' | 'video.live' | 'video.parent' | 'video.recorded'
  | 'video.export' | 'video.hold' | 'alerts.read' | 'alerts.watch' | 'alerts.decide' | 'alerts.rectify' | 'patrols.walk' | 'patrols.manage' | 'duties.manage' | 'inspections.read' | 'inspections.conduct'
  | 'assignments.read' | 'assignments.manage' | 'assignments.approve' | 'templates.read' | 'templates.manage' | 'audit.read' | 'system.read' | 'settings.manage'
  | 'figures.read' | 'figures.close' | 'webhooks.manage' | 'documents.read' | 'documents.issue' | 'documents.manage' | 'incidents.read' | 'incidents.report' | 'incidents.release' | 'orders.read' | 'orders.issue' | 'orders.answer'
  | 'self_checks.read' | 'self_checks.answer' | 'self_checks.sign'

/** A schema whose codes are known more closely here than the contract says. */
type With<Schema, Known> = Omit<Schema, keyof Known> & Known

export type Grant = With<Schemas['GrantInput'], { node_name?: string; node_level?: string }>
export type Me = With<Schemas['Me'], { permissions: Permission[] }>
export type OrganizationLevel = 'city' | 'district' | 'office'
export type Organization = With<Schemas['Organization'], { level: OrganizationLevel }>
export type Operator = Schemas['Operator']
export type OperatorPart = Schemas['OperatorPart']
export type PremisesOperator = Schemas['OperatorPartView']
export type ServiceHours = Schemas['ServiceHours']
export type Premises = Schemas['Premises']
export type ParentPremises = Schemas['ParentPremises']
export type ParentViewing = Schemas['ParentViewing']
export type SelfCheck = Schemas['SelfCheck']
export type SelfCheckPage = Schemas['SelfCheckPage']
export type CanteenDuties = Schemas['PremisesDuties']
export type User = Schemas['User']
export type SecondFactor = Schemas['SecondFactor']
export type SecondFactorBegun = Schemas['SecondFactorBegun']
export type Login = Schemas['Login']
export type SignInAsked = Schemas['SignInAsked']
export type WorkCalendar = Schemas['WorkCalendar']
export type CalendarChange = Schemas['CalendarChange']
export type OwnNotices = Schemas['OwnNotices']
export type NoticePreferences = Schemas['Preferences']
export type NoticeTopic = Schemas['Topic']
export type NoticeChannel = Schemas['Channel']
export type SentAnswer = Schemas['Sent']
export type MailChannel = Schemas['MailChannel']
export type MailServer = Schemas['MailServer']
export type SmsChannel = Schemas['SmsChannel']
export type SmsGateway = Schemas['SmsGateway']
export type NoticeDelivery = Schemas['NoticeDelivery']
export type DeliveryFigures = Schemas['DeliveryFigures']
export type DutyReach = Schemas['DutyReach']
export type RoleRequest = Schemas['RoleRequest']
export type Role = With<Schemas['Role'], { permissions: Permission[] }>

export type CameraState = 'disabled' | 'connecting' | 'recording' | 'degraded' | 'offline'
export type Camera = With<Schemas['Camera'], { state: CameraState }>
export type CameraHealth = Schemas['CameraHealth']
export type CameraTest = Schemas['TestAnswer']
export type AddressPattern = Schemas['AddressPattern']
export type FoundDevice = Schemas['FoundDevice']
export type OnvifAnswer = Schemas['OnvifAnswer']
export type OnvifProfile = Schemas['OnvifProfile']
export type Timeline = Schemas['Timeline']
export type RecordingHold = With<Schemas['RecordingHold'], { state: 'held' | 'waiting' | 'released' }>
export type TimelineAlert = Schemas['AlertMark']
export type DutyShift = Schemas['DutyShift']
export type ShiftSummary = Schemas['ShiftSummary']
export type RuleFigures = Schemas['RuleFigures']
export type RuleProposal = Schemas['RuleProposal']
export type RuleProposalPage = Schemas['RuleProposalPage']
export type TriedClip = Schemas['TriedClip']
export type PatrolLook = With<Schemas['PatrolLook'], { state: CameraState; result: 'fine' | 'finding' | 'no_picture' | null }>
export type PatrolCoverage = Schemas['CoverageAnswer']
export type PatrolPlan = Schemas['PatrolPlanOf']

export type DiagnosisScope = 'system' | 'premises' | 'camera'

export type AlertState =
  | 'raised' | 'confirmed' | 'dismissed' | 'dispatched' | 'rectified' | 'closed' | 'cleared' | 'inspection_requested' | 'case_opened'
export type AlertLevel = 'none' | 'yellow' | 'red' | 'supervised'
export type AlertAction = 'confirm' | 'dismiss' | 'reopen' | 'dispatch' | 'rectify' | 'review' | 'request_inspection' | 'open_case' | 'undo'
export type Clip = With<Schemas['Clip'], { state: 'pending' | 'ready' | 'none' }>
export type AlertClaim = With<Schemas['Claim'], { holder: 'free' | 'mine' | 'theirs' }>
interface AlertKnown { state: AlertState; level: AlertLevel; allowed_actions: AlertAction[]; clip: Clip; claim: AlertClaim | null }
export type Alert = With<Schemas['Alert'], AlertKnown>
export type Evidence = Schemas['EvidenceView']
export type AlertClock = Schemas['ClockView']
export type AlertEvent = Schemas['ActView']
export type AlertDetail = With<Schemas['AlertDetail'], AlertKnown>

export type AlertFigures = Schemas['AlertOutcomes']
export type AlertShare = Schemas['Share']
export type RatesRow = Schemas['RatesRow']
export type SevenRates = Schemas['SevenRates']
export type CameraRates = Schemas['CameraRates']
export type Closing = Schemas['Closing']
export type ClosedFigures = Schemas['ClosedFigures']
export type LateFact = Schemas['LateFact']
export type CoveredPremises = Schemas['CoveredPremises']

export type Overview = Schemas['Overview']
export type UploadedFile = Schemas['StoredFile']

export type Bilingual = Schemas['Bilingual']
export type TemplateItem = Schemas['Item']
export type TemplateSection = Schemas['TemplateBody']['sections'][number]
export type Template = Schemas['TemplateSummary'] & Partial<Pick<Schemas['Template'], 'body'>>

export type Assignment = Schemas['AssignmentView']
export type AssignmentMonth = Schemas['AssignmentMonth']
export type MonthPlace = Schemas['MonthPlace']
export type CheckFacts = Schemas['CheckFacts']
export type OfficerProfile = Schemas['OfficerProfile']
export type RiskScore = Schemas['RiskScore']
export type PremisesRisk = Schemas['PremisesRisk']
export type ShownRiskTerm = Schemas['ShownRiskTerm']
export type RiskPreview = Schemas['RiskPreview']
export type PlanRules = Schemas['PlanRules']
export type InspectionPlan = Schemas['InspectionPlan']
export type InspectionPlanDetail = Schemas['InspectionPlanDetail']
export type InspectionPlanItem = Schemas['InspectionPlanItem']
export type Draw = Schemas['DrawView']
export type DrawDetail = Schemas['DrawDetail']
export type DrawReplayed = Schemas['DrawReplayed']
export type Paper = Schemas['Document']
export type PaperKind = Schemas['PaperKind']
export type PaperNumber = Schemas['PaperNumber']
export type LayoutItem = Schemas['LayoutItem']
export type LayoutDetail = Schemas['LayoutDetail']
/** A fault of a layout, as `faults` of a refusal names it. */
export interface LayoutFault { file: string; line?: number | null; column?: number | null; message: string; hints: string[] }
export type Bureau = Schemas['Bureau']
export type PremisesDisclosure = Schemas['PremisesDisclosure']
export type Incident = Schemas['Incident']
export type IncidentPage = Schemas['IncidentPage']
export type Order = Schemas['Order']
export type OrderDetail = Schemas['OrderDetail']
export type OrderItem = Schemas['OrderItem']
export type InspectionResult = Schemas['Judgement']
export type InspectionEvidence = Schemas['Inspection']['evidence'][number]
export type InspectionAnswer = Schemas['Answer']
export type InspectionSignature = Schemas['Signature']
export type Inspection = Schemas['InspectionItem']

export type AuditEntry = Schemas['AuditEntry']
export type SystemHealth = Schemas['Health']
export type OpenRosaDevice = Schemas['OpenRosaDevice']
export type NewOpenRosaDevice = Schemas['NewOpenRosaDevice']
export type Webhook = Schemas['Webhook']
export type Delivery = With<Schemas['Delivery'], { state: 'waiting' | 'delivered' | 'failed' }>
export type Notice = Schemas['Notice']
export type ImportReport = With<Schemas['ImportOutcome'], { passwords?: { username: string; password: string }[] }>
