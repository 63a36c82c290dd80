/** The English of `terms.zh.ts`; a test compares their keys. */
export default {
  comma: ', ',
  product: { name: 'Bright Kitchen', full: 'Bright Kitchen · canteen supervision' },
  alertKind: {
    signal_lost: 'Signal lost', frozen: 'Frozen picture', black: 'Too dark', over_exposed: 'Over-exposed', low_contrast: 'Low contrast',
    blurred: 'Blurred', covered: 'Covered', moved: 'Scene changed', rodent: 'Rodent', fire_unattended: 'Fire unattended',
    smoke_fire: 'Smoke or fire', intrusion: 'Intrusion', smoking: 'Smoking', bin_open: 'Bin open', no_mask: 'No mask', no_hat: 'No hat',
    no_uniform: 'No uniform', no_gloves: 'No gloves', bare_torso: 'Bare torso', phone_use: 'Phone in use',
    unattended_post: 'Post unattended', head_count: 'Head count', patrol_finding: 'Patrol finding',
    licence_expiring: 'Licence expiring', health_certificate_expired: 'Health certificate expired',
  },
  alertClass: { 0: 'Device', 1: 'Class 1', 2: 'Class 2', 3: 'Class 3' },
  alertClassLong: { 0: 'Device', 1: 'Class 1 · at once', 2: 'Class 2 · put right in time', 3: 'Class 3 · daily guidance' },
  alertState: {
    raised: 'To decide', confirmed: 'Confirmed', dismissed: 'Dismissed', dispatched: 'Being put right', rectified: 'To review',
    closed: 'Closed', cleared: 'Cleared by itself', inspection_requested: 'Inspection requested', case_opened: 'Case opened',
  },
  alertLevel: { none: 'On time', yellow: 'Yellow', red: 'Red', supervised: 'District list' },
  dismissReason: { false_alarm: 'False alarm', duplicate: 'Duplicate', permitted: 'Permitted', test: 'Test' },
  cameraState: { disabled: 'Disabled', connecting: 'Connecting', recording: 'Recording', degraded: 'Degraded', offline: 'Offline' },
  zone: {
    storing: 'Storing', cooking: 'Cooking', plating: 'Plating', dedicated_room: 'Dedicated room', retained_samples: 'Retained samples',
    dish_washing: 'Dish-washing', other: 'Other',
  },
  premisesKind: {
    school_canteen: 'School canteen', kindergarten_canteen: 'Kindergarten canteen', central_kitchen: 'Central kitchen',
    collective_meal_supplier: 'Collective meal supplier', campus_shop: 'Campus shop', staff_canteen: 'Staff canteen', other: 'Other',
  },
  organizationLevel: { city: 'City', district: 'District', office: 'Town office', premises: 'Premises' },
  operatorPart: { own: 'Runs it itself', contractor: 'Contractor', supplier: 'Supplier' },
  role: {
    administrator: 'Administrator', head: 'Head', legal_reviewer: 'Legal reviewer', intake: 'Intake', supervisor: 'Supervisor',
    officer: 'Officer', grid_member: 'Grid member', food_safety_officer: 'Food-safety officer',
    food_safety_director: 'Food-safety director', principal: 'Principal', education_viewer: 'Education bureau', parent: 'Parent',
    auditor: 'Auditor',
  },
  inspectionKind: { routine: 'Routine', unannounced: 'Unannounced', system: 'System', campaign: 'Campaign', reinspection: 'Re-inspection' },
  inspectionState: { draft: 'Draft', in_progress: 'In progress', submitted: 'Submitted', complete: 'Complete', cancelled: 'Cancelled' },
  outcome: { conforms: 'Conforms', basically_conforms: 'Basically conforms', does_not_conform: 'Does not conform' },
  itemResult: { conforms: 'Conforms', fails: 'Does not conform', not_applicable: 'Not applicable' },
  grade: { excellent: 'Excellent', good: 'Good', fair: 'Fair', none: 'No grade' },
  consequence: {
    investigation: 'Investigation', supervisor_decides: 'The supervisor decides', correct_on_spot: 'Corrected on the spot',
    order: 'Ordered in writing',
  },
  assignmentState: { open: 'Open', started: 'Started', in_progress: 'In progress', done: 'Done', completed: 'Completed', cancelled: 'Cancelled' },
}
