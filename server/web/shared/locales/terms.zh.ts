/** The field's own words for the codes on the wire, shared by the console and the phone. */
export default {
  comma: '、',
  semicolon: '；',
  product: { name: '明厨', full: '明厨 · 互联网+明厨亮灶监管平台' },
  alertKind: {
    signal_lost: '视频信号丢失', frozen: '画面冻结', black: '画面过暗', over_exposed: '画面过亮', low_contrast: '对比度低',
    blurred: '画面虚焦', covered: '视频遮挡', moved: '场景变更', rodent: '鼠患', fire_unattended: '动火离人', smoke_fire: '烟火',
    intrusion: '人员闯入', smoking: '吸烟', bin_open: '垃圾桶未盖', no_mask: '未戴口罩', no_hat: '未戴工帽', no_uniform: '未穿工服',
    no_gloves: '未戴手套', bare_torso: '光膀子', phone_use: '玩手机', unattended_post: '离岗', head_count: '人数异常',
    patrol_finding: '巡查发现', licence_expiring: '许可证即将到期', health_certificate_expired: '健康证过期',
  },
  alertClass: { 0: '设备', 1: '一类', 2: '二类', 3: '三类' },
  alertClassLong: { 0: '设备类', 1: '一类 · 即时预警', 2: '二类 · 限期整改', 3: '三类 · 日常督导' },
  alertState: {
    raised: '待处理', confirmed: '已确认', dismissed: '已排除', dispatched: '整改中', rectified: '待复核', closed: '已办结',
    cleared: '自行恢复', inspection_requested: '已转检查', case_opened: '已立案',
  },
  alertLevel: { none: '正常', yellow: '黄牌', red: '红牌', supervised: '督办' },
  dismissReason: { false_alarm: '误报', duplicate: '重复', permitted: '经许可', test: '测试' },
  cameraState: { disabled: '已停用', connecting: '连接中', recording: '录像中', degraded: '异常', offline: '离线' },
  zone: {
    storing: '食材贮存', cooking: '烹饪', plating: '备餐', dedicated_room: '专间', retained_samples: '留样', dish_washing: '餐具洗消', other: '其他',
  },
  premisesKind: {
    school_canteen: '学校食堂', kindergarten_canteen: '幼儿园食堂', central_kitchen: '中央厨房',
    collective_meal_supplier: '集体用餐配送单位', campus_shop: '校园商店', staff_canteen: '单位食堂', other: '其他',
  },
  organizationLevel: { city: '市局', district: '区局', office: '市场监管所', premises: '场所' },
  operatorPart: { own: '自营', contractor: '承包经营', supplier: '供货' },
  role: {
    administrator: '系统管理员', head: '局长 / 所长', legal_reviewer: '法制审核', intake: '受理员', supervisor: '监管人员', officer: '执法人员',
    grid_member: '网格员', food_safety_officer: '食品安全员', food_safety_director: '食品安全总监', principal: '校长 / 负责人',
    education_viewer: '教育局', parent: '家长', auditor: '审计',
  },
  inspectionKind: { routine: '日常检查', unannounced: '飞行检查', system: '体系检查', campaign: '专项检查', reinspection: '复查' },
  inspectionState: { draft: '填写中', in_progress: '进行中', submitted: '已提交', complete: '已完成', cancelled: '已取消' },
  outcome: { conforms: '符合', basically_conforms: '基本符合', does_not_conform: '不符合' },
  itemResult: { conforms: '符合', fails: '不符合', not_applicable: '合理缺项' },
  grade: { excellent: '优秀', good: '良好', fair: '一般', none: '不定级' },
  consequence: { investigation: '立案调查', supervisor_decides: '报监管人员决定', correct_on_spot: '当场改正', order: '责令限期改正' },
  assignmentState: { open: '待检查', started: '检查中', in_progress: '检查中', done: '已完成', completed: '已完成', cancelled: '已取消' },
  incident: {
    name: '疑似食物中毒',
    source: { school: '学校（食堂）报告', hospital: '医疗机构报告', consumer: '投诉举报', authority: '有关部门通报', officer: '检查中发现' },
    symptom: { vomiting: '恶心呕吐', diarrhoea: '腹泻', abdominal_pain: '腹痛', fever: '发热', dizziness: '头晕头痛', other: '其他' },
    stop: { serving: '停止供餐', making: '停止加工制作', suspected_food: '停用可疑食品、原料、餐用具', scene: '保护现场，不得清洗清理' },
    measure: { seal: '查封扣押', keep: '先行登记保存' },
    meal: { breakfast: '早餐', lunch: '午餐', dinner: '晚餐', snack: '点心' },
    state: { reported: '待处置', handling: '处置中', closed: '已办结' },
    action: {
      report: '报告', take_up: '接手处置', report_up: '上报', arrive: '到达现场', supplement: '补充情况', approve_keeping: '批准登记保存', settle_keeping: '处理登记保存物品',
      extend: '延长查封扣押', close: '办结并解除',
    },
    clock: {
      answer: '接手处置', report_up: '上报政府和有关部门', on_site: '到达现场', keeping_report: '登记保存补报批准', keeping: '登记保存物品作出处理', sealing: '查封扣押期限',
    },
  },
}
