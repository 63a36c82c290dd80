//! Kinds of papers.

use crate::domain::premises::coded;
use serde::{Deserialize, Serialize};

coded! {
    /// A kind of paper; names and layouts are data, the kinds are code.
    PaperKind {
        /// 检查结果记录表
        InspectionRecord = "inspection_record",
        /// 现场笔录
        OnSiteRecord = "on_site_record",
        /// 责令改正通知书
        RectificationOrder = "rectification_order",
        /// 预警告知书
        Warning = "warning",
        /// 结果公示
        Disclosure = "disclosure",
        /// 疑似食品安全事故现场处置记录
        IncidentRecord = "incident_record",
        /// 抽样单
        SamplingSheet = "sampling_sheet",
    }
}

impl PaperKind {
    /// As printed.
    pub fn title(self) -> &'static str {
        match self {
            Self::InspectionRecord => "食品安全监督检查结果记录表",
            Self::OnSiteRecord => "现场笔录",
            Self::RectificationOrder => "责令改正通知书",
            Self::Warning => "预警告知书",
            Self::Disclosure => "食品安全监督检查结果公示",
            Self::IncidentRecord => "疑似食品安全事故现场处置记录",
            Self::SamplingSheet => "食品安全抽样单",
        }
    }

    /// The word before the year of a number where a bureau says none.
    pub fn word(self) -> &'static str {
        match self {
            Self::InspectionRecord => "检记",
            Self::OnSiteRecord => "现笔",
            Self::RectificationOrder => "责改",
            Self::Warning => "预告",
            Self::Disclosure => "公示",
            Self::IncidentRecord => "事记",
            Self::SamplingSheet => "抽样",
        }
    }
}
