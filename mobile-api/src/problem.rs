//! The catalogue of problem types (RFC 9457): stable bare names, each with its status and its title in both languages.

/// Everything an answer can say went wrong. The name is the `type` of the problem and never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProblemType {
    /// Fields that are wrong, all listed.
    Validation,
    /// Not JSON, not this route's parameters.
    Malformed,
    /// No or an expired token.
    Unauthenticated,
    /// Wrong name or password.
    InvalidCredentials,
    /// The password was right and a code is wanted; carries `challenge`.
    CodeRequired,
    /// Neither a code that stands now nor a recovery code, or one that was used before.
    WrongCode,
    /// Too many failures; carries `retry_after_s`.
    Locked,
    /// Too many requests; carries `retry_after_s`.
    RateLimited,
    /// As many pictures are transcoded as are allowed; carries `limit` and `retry_after_s`.
    TranscodeLimit,
    /// A password set by somebody else must be changed first.
    PasswordChangeRequired,
    /// A role asks for a second factor, and there is none yet.
    SecondFactorRequired,
    /// The permission is missing.
    Forbidden,
    /// A parent, and the premises is not open to parents at this hour; carries `opens_at`, `null` where no hours are set.
    OutsideHours,
    /// Nothing there, or outside the caller's scope.
    NotFound,
    /// The route knows other methods.
    MethodNotAllowed,
    /// What is kept says otherwise; both are named.
    Conflict,
    /// An earlier version was changed; carries `present`.
    StaleVersion,
    /// Somebody else has taken it on; carries `present`.
    Claimed,
    /// Not possible in this state.
    InvalidTransition,
    /// A condition of the request does not hold, such as the version of a protocol.
    PreconditionFailed,
    /// A client of a version that is no longer understood; carries `oldest` and `newest`.
    ClientTooOld,
    /// Over a limit of size.
    TooLarge,
    /// Another type of content is asked for.
    UnsupportedMediaType,
    /// A cursor older than what is kept: start anew, keep drafts.
    Gone,
    /// No type of answer that is accepted.
    NotAcceptable,
    /// An upload whose hash is not the one announced; it is thrown away.
    ChecksumMismatch,
    /// A signature on which nothing is drawn.
    BlankSignature,
    /// No room on the server's disk: what came is not kept, and the phone tries again; carries `retry_after_s`.
    StorageFull,
    /// A part of the server is not there at the moment.
    Unavailable,
    /// A fault of the server; what it was is in its log only.
    Internal,
}

use ProblemType as P;

impl ProblemType {
    /// Every one of them.
    pub const ALL: [ProblemType; 30] = [
        P::Validation,
        P::Malformed,
        P::Unauthenticated,
        P::InvalidCredentials,
        P::CodeRequired,
        P::WrongCode,
        P::Locked,
        P::RateLimited,
        P::TranscodeLimit,
        P::PasswordChangeRequired,
        P::SecondFactorRequired,
        P::Forbidden,
        P::OutsideHours,
        P::NotFound,
        P::MethodNotAllowed,
        P::Conflict,
        P::StaleVersion,
        P::Claimed,
        P::InvalidTransition,
        P::PreconditionFailed,
        P::ClientTooOld,
        P::TooLarge,
        P::UnsupportedMediaType,
        P::Gone,
        P::NotAcceptable,
        P::ChecksumMismatch,
        P::BlankSignature,
        P::StorageFull,
        P::Unavailable,
        P::Internal,
    ];

    const fn row(self) -> (&'static str, u16, &'static str, &'static str) {
        match self {
            P::Validation => ("validation", 422, "有内容填写不正确", "Some fields are not right"),
            P::Malformed => ("malformed", 400, "请求无法读取", "The request cannot be read"),
            P::Unauthenticated => ("unauthenticated", 401, "请先登录", "Please sign in"),
            P::InvalidCredentials => ("invalid_credentials", 401, "用户名或密码不正确", "Wrong user name or password"),
            P::CodeRequired => ("code_required", 401, "请输入验证码", "Please enter the code"),
            P::WrongCode => ("wrong_code", 401, "验证码不正确，或已使用过", "Wrong code, or one that was used before"),
            P::Locked => ("locked", 429, "失败次数过多，已暂时锁定", "Locked for a while after too many failures"),
            P::RateLimited => ("rate_limited", 429, "操作过于频繁，请稍后再试", "Too many requests, try again later"),
            P::TranscodeLimit => {
                ("transcode_limit", 429, "转码路数已满，请稍后再试", "As many are transcoded as is allowed, try again later")
            }
            P::PasswordChangeRequired => ("password_change_required", 403, "请先修改密码", "Please change the password first"),
            P::SecondFactorRequired => ("second_factor_required", 403, "请先设置两步验证", "Please set up the second factor first"),
            P::Forbidden => ("forbidden", 403, "没有这项权限", "Not permitted"),
            P::OutsideHours => ("outside_hours", 403, "现在不是开放时段", "Not open at this hour"),
            P::NotFound => ("not_found", 404, "没有找到", "Not found"),
            P::MethodNotAllowed => ("method_not_allowed", 405, "不支持这种请求方法", "Method not allowed"),
            P::Conflict => ("conflict", 409, "与已有内容冲突", "Conflicts with what is there"),
            P::StaleVersion => ("stale_version", 409, "内容已被他人修改", "Changed by somebody else meanwhile"),
            P::Claimed => ("claimed", 409, "已由他人认领", "Somebody else has claimed it"),
            P::InvalidTransition => ("invalid_transition", 409, "当前状态不能进行此操作", "Not possible in this state"),
            P::PreconditionFailed => ("precondition_failed", 412, "请求的前提条件不成立", "A condition of the request does not hold"),
            P::ClientTooOld => (
                "client_too_old",
                426,
                "应用版本过旧，请先更新；手机上的内容都会保留",
                "This app is too old, update it first; what is on the phone stays",
            ),
            P::TooLarge => ("too_large", 413, "内容过大", "Too large"),
            P::UnsupportedMediaType => ("unsupported_media_type", 415, "不支持的内容类型", "Unsupported type of content"),
            P::Gone => ("gone", 410, "同步位置已过期，需重新同步", "Too old, start the synchronisation anew"),
            P::NotAcceptable => ("not_acceptable", 406, "无法提供所要求的格式", "No acceptable format"),
            P::ChecksumMismatch => ("checksum_mismatch", 460, "文件校验不一致，需重新上传", "The checksum does not match, upload again"),
            P::BlankSignature => {
                ("blank_signature", 422, "签名是空白的，请重新签名", "Nothing is drawn: the signature is blank, please sign again")
            }
            P::StorageFull => (
                "storage_full",
                507,
                "服务器磁盘已满，暂时收不下文件；手机上的内容都会保留，稍后自动重试",
                "The server's disk is full and takes no files now; all stays on the phone, which tries again",
            ),
            P::Unavailable => ("unavailable", 503, "服务暂时不可用", "Not available at the moment"),
            P::Internal => ("internal", 500, "服务器内部错误", "Internal error"),
        }
    }

    /// The stable name, the problem's `type`.
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// The HTTP status.
    pub const fn status(self) -> u16 {
        self.row().1
    }

    /// The title; zh-CN unless English is asked for.
    pub const fn title(self, english: bool) -> &'static str {
        if english { self.row().3 } else { self.row().2 }
    }

    /// By its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found_again() {
        for kind in ProblemType::ALL {
            assert_eq!(ProblemType::parse(kind.name()), Some(kind));
            assert!((400..=599).contains(&kind.status()));
            assert!(!kind.title(true).is_empty() && !kind.title(false).is_empty());
        }
        assert_eq!(ProblemType::parse("nothing"), None);
    }
}
