//! The second door, by requests as ODK Collect makes them: who comes in, forms and files, submissions in one piece and in many.

mod access;
mod edits;
mod forms;
mod hostile;
mod late;
mod submissions;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::phone::{Phone, Template, text};
use crate::support::{Client, TestApp};

/// An officer with ODK Collect.
pub struct Collect {
    pub http: reqwest::Client,
    pub base: String,
    pub device_id: String,
    pub login: String,
    pub password: String,
    /// The same officer at our own pages.
    pub officer: Phone,
    pub root: Client,
    pub template: Template,
    /// The form's version.
    pub version: i64,
}

/// What the door answered.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// A part of a multipart body: name, file's name, type, content.
pub type Part<'a> = (&'a str, Option<&'a str>, &'a str, &'a [u8]);

/// A body as OkHttp writes it: each part with its length, lines ended by CR LF.
pub fn multipart(boundary: &str, parts: &[Part<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file, kind, content) in parts {
        body.extend(format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"").bytes());
        if let Some(file) = file {
            body.extend(format!("; filename=\"{file}\"").bytes());
        }
        body.extend("\r\n".bytes());
        if !kind.is_empty() {
            body.extend(format!("Content-Type: {kind}\r\n").bytes());
        }
        body.extend(format!("Content-Length: {}\r\n\r\n", content.len()).bytes());
        body.extend_from_slice(content);
        body.extend("\r\n".bytes());
    }
    body.extend(format!("--{boundary}--\r\n").bytes());
    body
}

impl Collect {
    /// An officer of the app's office whose device was made at the console.
    pub async fn at(app: &TestApp) -> Self {
        let officer = Phone::at(app, &app.office).await;
        let root = app.person("administrator", &app.city).await;
        let (status, made) = root.post("/openrosa/devices", &json!({"user_id": officer.user_id, "name": "备用手机"})).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        assert_eq!(made["url"], format!("{}/openrosa", app.address));
        let template = officer.template().await;
        let (_, whole) = officer.client.get(&format!("/templates/{}", template.id)).await;
        Self {
            http: reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap(),
            base: app.address.clone(),
            device_id: text(&made["id"]),
            login: text(&made["login"]),
            password: text(&made["password"]),
            officer,
            root,
            template,
            version: whole["version"].as_i64().unwrap(),
        }
    }

    /// A request below `/openrosa`, as Collect heads it.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let basic = STANDARD.encode(format!("{}:{}", self.login, self.password));
        self.bare(method, path).header("Authorization", format!("Basic {basic}"))
    }

    /// The same without a password.
    pub fn bare(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http
            .request(method, format!("{}/openrosa{path}", self.base))
            .header("X-OpenRosa-Version", "1.0")
            .header("Date", "Mon, 23 Nov 2026 06:05:00 GMT")
            .header("User-Agent", "org.odk.collect.android/v2025.3.3 Dalvik/2.1.0 (Linux; U; Android 14)")
    }

    pub async fn get(&self, path: &str) -> Answer {
        answered(self.request(Method::GET, path)).await
    }

    /// Sends a form with pictures; `more` says that others follow in another request.
    pub async fn send(&self, xml: &str, pictures: &[(&str, &[u8])], more: bool) -> Answer {
        let mut parts: Vec<Part<'_>> = vec![("xml_submission_file", Some("form.xml"), "text/xml", xml.as_bytes())];
        parts.extend(pictures.iter().map(|(name, content)| (*name, Some(*name), "image/jpeg", *content)));
        if more {
            parts.push(("*isIncomplete*", None, "", b"yes"));
        }
        self.post(&multipart("8b7c2e5e-6f0d-4c9e-9a0c-2f3f7e1f6a11", &parts), "8b7c2e5e-6f0d-4c9e-9a0c-2f3f7e1f6a11").await
    }

    pub async fn post(&self, body: &[u8], boundary: &str) -> Answer {
        let kind = format!("multipart/form-data; boundary={boundary}");
        answered(self.request(Method::POST, "/submission?deviceID=collect%3AAbC").header("Content-Type", kind).body(body.to_vec())).await
    }

    /// A form in which everything conforms, at the app's premises.
    pub fn form(&self, app: &TestApp) -> Form {
        let sections = self.template.body.sections.iter().map(|section| {
            let items = section.items.iter().map(|item| {
                let code = &item.code;
                (code.clone(), if item.question { String::new() } else { format!("<r_{code}>conforms</r_{code}>") })
            });
            (section.code.clone(), items.collect())
        });
        Form {
            form_id: "school_canteen".to_owned(),
            version: self.version.to_string(),
            instance_id: format!("uuid:{}", Uuid::now_v7()),
            deprecated_id: None,
            before: format!(
                "<kind>routine</kind><door/><premises>{}</premises><officers/><place>23.46 116.75 12.0 4.5</place>",
                app.premises.id
            ),
            after: String::new(),
            sections: sections.collect(),
        }
    }

    /// The inspections that the officer has.
    pub async fn inspections(&self) -> Vec<Value> {
        let (status, list) = self.officer.client.get("/inspections?limit=200").await;
        assert_eq!(status, StatusCode::OK);
        list["items"].as_array().unwrap().clone()
    }

    /// The page of the only inspection there is.
    pub async fn only(&self) -> Value {
        let all = self.inspections().await;
        assert_eq!(all.len(), 1, "{all:#?}");
        let (status, page) = self.officer.client.get(&format!("/inspections/{}", text(&all[0]["id"]))).await;
        assert_eq!(status, StatusCode::OK);
        page
    }
}

pub async fn answered(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    Answer { status, headers, body: response.text().await.unwrap() }
}

/// What still lacks in an inspection.
pub fn open_lacks(page: &Value) -> Vec<String> {
    page["lacks"].as_array().unwrap().iter().filter(|lack| lack["done_at"].is_null()).map(|lack| text(&lack["what"])).collect()
}

/// A form as Collect writes it.
#[derive(Clone)]
pub struct Form {
    pub form_id: String,
    pub version: String,
    pub instance_id: String,
    pub deprecated_id: Option<String>,
    pub before: String,
    pub after: String,
    /// Section, then item and what is inside its group.
    pub sections: Vec<(String, Vec<(String, String)>)>,
}

impl Form {
    /// What is inside an item's group.
    pub fn item(&mut self, code: &str) -> &mut String {
        let mut items = self.sections.iter_mut().flat_map(|(_, items)| items);
        &mut items.find(|item| item.0 == code).unwrap().1
    }

    /// Makes an item fail, with a picture.
    pub fn fail(&mut self, code: &str, picture: &str) {
        *self.item(code) = format!(
            "<r_{code}>fails</r_{code}><a_{code}>no</a_{code}><c_{code}>yes</c_{code}><w_{code}>离墙不足10厘米 &lt;见照片&gt;</w_{code}><y_{code}/><p_{code}_1>{picture}</p_{code}_1>"
        );
    }

    /// Everything that the law asks for is there.
    pub fn signed(&mut self, second: &str) {
        self.before = self.before.replace("<officers/>", &format!("<officers>{second}</officers>"));
        self.after = "<certificates>yes</certificates><recusal>none</recusal><recusal_reason/><recusal_name>赵园长</recusal_name><recusal_signature>recusal.png</recusal_signature>\
            <officer_signature>officer.png</officer_signature><signing>signed</signing><signer>赵园长</signer><signer_signature>signer.png</signer_signature><signing_reason/>"
            .to_owned();
    }

    /// The same form, edited.
    pub fn edited(&self) -> Self {
        Self { instance_id: format!("uuid:{}", Uuid::now_v7()), deprecated_id: Some(self.instance_id.clone()), ..self.clone() }
    }

    pub fn xml(&self) -> String {
        let deprecated = self.deprecated_id.as_ref().map(|id| format!("<orx:deprecatedID>{id}</orx:deprecatedID>")).unwrap_or_default();
        let mut sections = String::new();
        for (code, items) in &self.sections {
            let items: String = items.iter().map(|(code, inside)| format!("<i_{code}>{inside}</i_{code}>")).collect();
            sections.push_str(&format!("<s_{code}>{items}</s_{code}>"));
        }
        format!(
            "<?xml version='1.0' ?><data id=\"{}\" version=\"{}\" xmlns:orx=\"http://openrosa.org/xforms\" xmlns:jr=\"http://openrosa.org/javarosa\">\
             <start>2026-11-23T14:05:00.000+08:00</start><end>2026-11-23T14:40:00.000+08:00</end><visit>{}</visit>{sections}<closing>{}</closing>\
             <orx:meta>{deprecated}<orx:instanceID>{}</orx:instanceID></orx:meta></data>",
            self.form_id, self.version, self.before, self.after, self.instance_id
        )
    }
}
