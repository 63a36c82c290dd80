//! PostgreSQL's own tools. The password goes by the environment: arguments can be read by everybody on the machine.

use std::path::Path;

use tokio::process::Command;
use url::Url;

use super::BackupError;

/// Writes the database into one file, as of the instant that `snapshot` names.
pub(super) async fn dump(database: &str, snapshot: &str, to: &Path) -> Result<(), BackupError> {
    let snapshot = format!("--snapshot={snapshot}");
    run("pg_dump", database, &["--format=custom", "--no-owner", "--no-privileges", &snapshot, "--file"], to).await
}

/// Fills an empty database from such a file; all of it or nothing.
pub(super) async fn restore(database: &str, from: &Path) -> Result<(), BackupError> {
    run("pg_restore", database, &["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"], from).await
}

async fn run(program: &'static str, database: &str, arguments: &[&str], file: &Path) -> Result<(), BackupError> {
    let (database, password) = without_password(database);
    let mut command = Command::new(program);
    command.arg("--dbname").arg(&database).args(arguments).arg(file).stdin(std::process::Stdio::null());
    if let Some(password) = password {
        command.env("PGPASSWORD", password);
    }
    let out = command.output().await.map_err(|error| BackupError::Tool { program, told: error.to_string() })?;
    if out.status.success() {
        return Ok(());
    }
    Err(BackupError::Tool { program, told: String::from_utf8_lossy(&out.stderr).trim().to_owned() })
}

fn without_password(database: &str) -> (String, Option<String>) {
    let Ok(mut url) = Url::parse(database) else { return (database.to_owned(), None) };
    let Some(password) = url.password().map(str::to_owned) else { return (database.to_owned(), None) };
    if url.set_password(None).is_err() {
        return (database.to_owned(), None);
    }
    // In a URL it is percent-encoded, in the environment it is not.
    let plain =
        url::form_urlencoded::parse(format!("p={}", password.replace('+', "%2B")).as_bytes()).next().map(|(_, value)| value.into_owned());
    (url.to_string(), plain)
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn the_password_leaves_the_arguments() {
        assert_eq!(without_password("postgres://bk:p%40s+s@db/bk"), ("postgres://bk@db/bk".to_owned(), Some("p@s+s".to_owned())));
        assert_eq!(without_password("postgres://bk@db/bk"), ("postgres://bk@db/bk".to_owned(), None));
    }
}
