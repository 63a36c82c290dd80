/** The field's own words for the codes on the wire, shared by the console and the phone. */
export default {
  comma: '、',
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
}
