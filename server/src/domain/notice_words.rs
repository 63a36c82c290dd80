//! What a notice says where no page words it: in mails, text messages, chat groups and on a locked screen.
//!
//! Nobody is named, and nothing of an inspection is said: what goes out passes through other people's machines.

use serde_json::Value;

use super::alert::kind_of;
use super::calendar::{date_of, start_of};
use super::telling::Language;

/// What each kind of notice is called: kind, Chinese, English. The console words the same kinds in its own files.
const KINDS: &[(&str, &str, &str)] = &[
    ("alert_raised", "新预警", "New alert"),
    ("alert_unproven", "一类预警无人查看，请处理", "Nobody has looked at an alert of class 1"),
    ("dispatched", "请整改", "To be put right"),
    ("rectified", "整改已提交，待复核", "Answered; to review"),
    ("sent_back", "整改被退回", "Answer sent back"),
    ("handed_over", "预警转交给您", "An alert was handed to you"),
    ("taken_over", "您认领的预警已被接手", "An alert of yours was taken over"),
    ("closed", "预警已办结", "Closed"),
    ("half_time", "期限过半", "Half of the time is gone"),
    ("deadline_moved", "期限因工作日历调整而变动", "A deadline moved with the working calendar"),
    ("overdue", "已逾期", "Overdue"),
    ("assigned", "新的检查任务", "New assignment"),
    ("disk_forecast", "录像磁盘将满", "The disk of recordings will be full"),
    ("self_check_soon", "自查记录即将到期", "A daily paper is due soon"),
    ("self_check_late", "自查记录逾期未报", "A daily paper is late"),
    ("samples_over", "留样已满 48 小时", "Samples kept for 48 hours"),
    ("order_issued", "责令改正通知", "Order to put right"),
    ("order_answered", "整改已答复，待复查", "Order answered; to re-check"),
    ("order_sent_back", "整改未通过，请继续整改", "Order sent back"),
    ("order_closed", "责令改正已办结", "Order closed"),
    ("order_extended", "整改期限已延长", "More time given"),
    ("order_withdrawn", "责令改正已撤回", "Order withdrawn"),
    ("role_requested", "有角色等待您同意", "A role waits for your agreement"),
    ("role_decided", "您提出的角色已有结论", "A role that you asked for was decided"),
    ("second_factor_reset", "您的两步验证已被重置", "Your second factor was taken away"),
    ("watching_account", "新建或重置了可查看视频的账户", "An account that can watch video was made or reset"),
    ("incident_reported", "疑似食物中毒", "Suspected food poisoning"),
    ("incident_supplemented", "疑似食物中毒有新情况", "Suspected food poisoning: more is known"),
    ("incident_closed", "疑似食物中毒已办结", "Suspected food poisoning: ended"),
];

/// A notice in one line.
pub fn line(kind: &str, detail: &Value, language: Language) -> String {
    let named = KINDS.iter().find(|row| row.0 == kind).map_or(language.of("通知", "Notice"), |row| language.of(row.1, row.2));
    let said = |name: &str| detail[name].as_str().unwrap_or_default().to_owned();
    let class = match detail["class"].as_i64() {
        Some(1) => language.of("一类", "class 1"),
        Some(2) => language.of("二类", "class 2"),
        Some(3) => language.of("三类", "class 3"),
        _ => "",
    };
    let about = kind_of(&said("kind")).map_or("", |kind| language.of(kind.zh, kind.en));
    let parts = [named.to_owned(), class.to_owned(), about.to_owned(), said("premises_name"), said("camera_name"), due(detail, language)];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(language.of("，", ", "))
}

fn due(detail: &Value, language: Language) -> String {
    let due = detail["due_at"].as_str().and_then(|text| text.parse::<mobile_api::Moment>().ok());
    due.map_or_else(String::new, |due| language.of("期限 {}", "due {}").replace("{}", &local(due.0)))
}

/// A moment as people read it, Asia/Shanghai.
pub fn local(at_ms: i64) -> String {
    let date = date_of(at_ms);
    let minutes = (at_ms - start_of(date)) / 60_000;
    format!("{date} {:02}:{:02}", minutes / 60, minutes % 60)
}

/// The page of the console that a notice is about.
pub fn path(kind: &str, work_id: Option<&str>, detail: &Value) -> String {
    let of = |name: &str| detail[name].as_str().map(str::to_owned);
    match kind {
        "assigned" => return "/assignments".to_owned(),
        "disk_forecast" => return "/system".to_owned(),
        "second_factor_reset" => return "/account".to_owned(),
        "role_requested" | "role_decided" | "watching_account" => return "/users".to_owned(),
        _ if kind.starts_with("self_check_") || kind == "samples_over" => return "/self-checks".to_owned(),
        _ => {}
    }
    let found = of("incident_id").map(|id| format!("/incidents/{id}")).or_else(|| of("order_id").map(|id| format!("/orders/{id}")));
    let alert = || work_id.filter(|_| detail["alert_id"].is_string()).map(|id| format!("/alerts/{id}"));
    found.or_else(alert).unwrap_or_else(|| "/notices".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_says_what_where_and_until_when() {
        let detail = json!({"alert_id": "a", "kind": "rodent", "class": 1, "premises_name": "东岸小学食堂", "camera_name": "库房", "due_at": "2026-11-24T03:05:00Z", "text": "张三"});
        let zh = "新预警，一类，鼠患，东岸小学食堂，库房，期限 2026-11-24 11:05";
        assert_eq!(line("alert_raised", &detail, Language::Chinese), zh);
        let en = "New alert, class 1, Suspected rodent, 东岸小学食堂, 库房, due 2026-11-24 11:05";
        assert_eq!(line("alert_raised", &detail, Language::English), en);
        assert_eq!(line("something_new", &json!({}), Language::Chinese), "通知");
    }

    #[test]
    fn each_leads_to_its_page() {
        let leads = |kind, work: Option<&str>, detail| path(kind, work, &detail);
        assert_eq!(leads("alert_raised", Some("w"), json!({"alert_id": "w"})), "/alerts/w");
        assert_eq!(leads("overdue", Some("w"), json!({"order_id": "o"})), "/orders/o");
        assert_eq!(leads("incident_reported", Some("w"), json!({"incident_id": "w"})), "/incidents/w");
        assert_eq!(leads("overdue", Some("w"), json!({"premises_id": "p"})), "/notices");
        assert_eq!(leads("samples_over", None, json!({})), "/self-checks");
    }
}
