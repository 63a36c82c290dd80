//! What ODK Collect asks beside the template: who inspects whom and how, the place, certificates, recusal, signatures. Our own
//! phone knows these without a question.
//!
//! Premises and officers come as files beside the form ([`PREMISES_FILE`], [`OFFICERS_FILE`]), which each device gets for its
//! own part of the district.

use super::write::{COLUMNS, Row, text};

/// The list of premises that goes with the form: `name` is the id, `label` what is searched by.
pub const PREMISES_FILE: &str = "premises.csv";
/// The list of officers.
pub const OFFICERS_FILE: &str = "officers.csv";
/// The group before the sections.
pub const BEFORE: &str = "visit";
/// The group after them.
pub const AFTER: &str = "closing";

/// A list of choices: its name, and of each choice code, Chinese, English.
type List = (&'static str, &'static [(&'static str, &'static str, &'static str)]);

/// Lists of choices of these questions.
pub(super) const LISTS: [List; 3] = [
    (
        "bk_kind",
        &[
            ("routine", "日常检查", "Routine"),
            ("unannounced", "飞行检查", "Unannounced"),
            ("system", "体系检查", "System"),
            ("campaign", "专项检查", "Campaign"),
            ("reinspection", "复查", "Re-inspection"),
        ],
    ),
    (
        "bk_recusal",
        &[("none", "不申请回避", "Nobody is asked to stand back"), ("requested", "申请回避", "Somebody is asked to stand back")],
    ),
    ("bk_signing", &[("signed", "签名", "Signs"), ("refused", "拒绝签名", "Refuses to sign"), ("absent", "不在场", "Is not there")]),
];

/// One question of a visit.
fn question(kind: &str, name: &str, zh: &str, en: &str) -> Row {
    Row::new(kind, name.to_owned(), &text(zh, en)).with("bk_part", "visit")
}

fn group(name: &str, zh: &str, en: &str) -> Row {
    question("begin_group", name, zh, en)
}

fn signature(name: &str, zh: &str, en: &str) -> Row {
    question("image", name, zh, en).with("appearance", "signature")
}

fn end() -> Row {
    Row::default().with("type", "end_group").with("bk_part", "visit")
}

/// What is asked before the sections.
pub(super) fn before() -> Vec<Row> {
    let stamp = |name: &str| Row::default().with("type", name.to_owned()).with("name", name.to_owned()).with("bk_part", "visit");
    vec![
        stamp("start"),
        stamp("end"),
        group(BEFORE, "检查信息", "The visit"),
        question("select_one bk_kind", "kind", "检查方式", "Kind of check").with("required", "yes").with("default", "routine"),
        question("barcode", "door", "扫描门口二维码或许可证二维码", "Scan the code at the door or on the licence")
            .with(COLUMNS[4], "可不扫，在下面选择场所")
            .with(COLUMNS[5], "Or leave it out and choose below"),
        question(&format!("select_one_from_file {PREMISES_FILE}"), "premises", "场所", "Premises")
            .with(COLUMNS[4], "可按名称或许可证编号查找")
            .with(COLUMNS[5], "Search by name or licence number")
            .with("required", "yes")
            .with("relevant", "${door} = ''")
            .with("appearance", "autocomplete"),
        question(&format!("select_multiple_from_file {OFFICERS_FILE}"), "officers", "同行执法人员", "Officers with you")
            .with(COLUMNS[4], "检查须有两名以上执法人员（第49号令第23条）")
            .with(COLUMNS[5], "An inspection needs at least two officers (Order 49, art. 23)")
            .with("appearance", "autocomplete"),
        question("geopoint", "place", "位置", "Position"),
        end(),
    ]
}

/// What is asked after them.
pub(super) fn after() -> Vec<Row> {
    let when = |row: Row, relevant: &str| row.with("relevant", relevant.to_owned());
    let wanted = |row: Row, relevant: &str| when(row, relevant).with("required", "yes");
    vec![
        group(AFTER, "告知与签名", "Notices and signatures"),
        question("select_one bk_yes_no", "certificates", "已出示执法证件", "Certificates were shown"),
        question(
            "select_one bk_recusal",
            "recusal",
            "告知申请回避的权利后，对方答复",
            "Told of the right to ask for recusal, they answered",
        ),
        wanted(question("text", "recusal_reason", "申请谁回避，为什么", "Who is asked to stand back, and why"), "${recusal} = 'requested'"),
        wanted(question("text", "recusal_name", "答复人姓名", "Who answered").name(), "${recusal} != ''"),
        when(signature("recusal_signature", "答复人签名", "Their signature"), "${recusal} != ''"),
        signature("officer_signature", "执法人员签名", "The officer's signature"),
        question("select_one bk_signing", "signing", "被检查单位代表", "The premises' representative"),
        wanted(question("text", "signer", "代表姓名", "Their name").name(), "${signing} != ''"),
        wanted(signature("signer_signature", "代表签名", "Their signature"), "${signing} = 'signed'"),
        wanted(question("text", "signing_reason", "未签名的原因", "Why not signed"), "${signing} = 'refused' or ${signing} = 'absent'"),
        when(question("text", "witness", "见证人姓名", "Witness").name(), "${signing} = 'refused'"),
        when(signature("witness_signature", "见证人签名", "The witness's signature"), "${signing} = 'refused' and ${witness} != ''"),
        end(),
    ]
}
