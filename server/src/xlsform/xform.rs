//! A template as the XForm that ODK Collect and its kin read (ODK XForms specification 1.0): made of the rows of our own
//! XLSForm, so that it is what pyxform makes of that file. The tests hold the two together.

use std::collections::HashMap;
use std::fmt::Write as _;

use mobile_api::template::TemplateFile;

use super::write::{FormFor, sheets};

/// The languages of a form, as columns name them, the first by default.
const LANGUAGES: [&str; 2] = ["中文 (zh)", "English (en)"];

/// Where the rows of a list of choices stand in its instance.
const ROWS: &str = concat!("/", "root/item");

/// Rows of a sheet by the names of its columns.
fn by_column(rows: &[Vec<String>]) -> Vec<HashMap<&str, &str>> {
    let Some((head, rows)) = rows.split_first() else { return Vec::new() };
    let cells = |row: &'_ Vec<String>| -> Vec<usize> { (0..row.len().min(head.len())).filter(|at| !row[*at].is_empty()).collect() };
    rows.iter().map(|row| cells(row).into_iter().map(|at| (head[at].as_str(), row[at].as_str())).collect()).collect()
}

/// A question or a group, in the order of the survey.
struct Node<'a> {
    cells: HashMap<&'a str, &'a str>,
    /// `/data/…`
    path: String,
    children: Vec<Node<'a>>,
}

impl<'a> Node<'a> {
    fn get(&self, column: &str) -> &'a str {
        self.cells.get(column).copied().unwrap_or_default()
    }

    fn name(&self) -> &'a str {
        self.get("name")
    }

    /// The word of its type, and the list or file behind it.
    fn kind(&self) -> (&'a str, &'a str) {
        self.get("type").split_once(' ').unwrap_or((self.get("type"), ""))
    }

    /// In both languages, where there is any.
    fn words(&self, column: &str) -> Option<[&'a str; 2]> {
        let found = LANGUAGES.map(|language| {
            self.cells
                .iter()
                .find(|(name, _)| name.strip_prefix(column).and_then(|rest| rest.strip_prefix("::")) == Some(language))
                .map_or("", |cell| cell.1)
        });
        (!found.iter().all(|text| text.is_empty())).then_some(found)
    }
}

/// Writes the form of a template's version. The template has been checked.
///
/// # Errors
/// Where a row of the form cannot be made, in words.
pub fn xform(file: &TemplateFile, version: i64) -> Result<String, String> {
    let sheets = sheets(file, version, FormFor::Collect)?;
    let nodes = tree(&mut by_column(&sheets.survey).into_iter(), "/data");
    let choices = by_column(&sheets.choices);
    let settings = by_column(&sheets.settings).into_iter().next().unwrap_or_default();
    let setting = |name: &str| settings.get(name).copied().unwrap_or_default();
    let mut form = Writer { names: HashMap::new(), out: String::with_capacity(64 * 1024) };
    form.name(&nodes);
    form.out.push_str(HEAD);
    form.element("h:title", setting("form_title"));
    form.out.push_str("<model odk:xforms-version=\"1.0.0\">");
    form.texts(&nodes, &choices);
    let _ = write!(form.out, "<instance><data id=\"{}\" version=\"{}\">", attribute(setting("form_id")), attribute(setting("version")));
    form.instance(&nodes);
    form.out.push_str("<meta><instanceID/></meta></data></instance>");
    form.lists(&choices);
    form.files(&nodes);
    form.binds(&nodes);
    form.out.push_str(
        "<bind nodeset=\"/data/meta/instanceID\" type=\"string\" readonly=\"true()\" jr:preload=\"uid\"/></model></h:head><h:body>",
    );
    form.body(&nodes);
    form.out.push_str("</h:body></h:html>");
    Ok(form.out)
}

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?><h:html xmlns=\"http://www.w3.org/2002/xforms\" xmlns:h=\"http://www.w3.org/1999/xhtml\" \
    xmlns:ev=\"http://www.w3.org/2001/xml-events\" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" xmlns:jr=\"http://openrosa.org/javarosa\" \
    xmlns:orx=\"http://openrosa.org/xforms\" xmlns:odk=\"http://www.opendatakit.org/xforms\"><h:head>";

/// The rows up to the end of the group they stand in.
fn tree<'a>(rows: &mut impl Iterator<Item = HashMap<&'a str, &'a str>>, above: &str) -> Vec<Node<'a>> {
    let mut nodes = Vec::new();
    while let Some(cells) = rows.next() {
        match cells.get("type").copied() {
            Some("end_group") => break,
            kind => {
                let path = format!("{above}/{}", cells.get("name").copied().unwrap_or_default());
                let children = if kind == Some("begin_group") { tree(rows, &path) } else { Vec::new() };
                nodes.push(Node { cells, path, children });
            }
        }
    }
    nodes
}

struct Writer {
    /// Where each question stands, for `${name}`.
    names: HashMap<String, String>,
    out: String,
}

impl Writer {
    fn name(&mut self, nodes: &[Node<'_>]) {
        for node in nodes {
            self.names.insert(node.name().to_owned(), node.path.clone());
            self.name(&node.children);
        }
    }

    fn element(&mut self, name: &str, text: &str) {
        let _ = write!(self.out, "<{name}>{}</{name}>", escaped(text));
    }

    /// An expression with `${name}` as the path of that question.
    fn expression(&self, text: &str) -> String {
        let mut rest = text;
        let mut whole = String::new();
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            let _ = write!(whole, "{before} {} ", self.names.get(name.trim()).map_or("", String::as_str));
            rest = after;
        }
        whole + rest
    }

    fn texts(&mut self, nodes: &[Node<'_>], choices: &[HashMap<&str, &str>]) {
        self.out.push_str("<itext>");
        for (at, language) in LANGUAGES.iter().enumerate() {
            let by_default = if at == 0 { " default=\"true()\"" } else { "" };
            let _ = write!(self.out, "<translation lang=\"{}\"{by_default}>", attribute(language));
            self.node_texts(nodes, at);
            for (id, choice) in numbered(choices) {
                let column = format!("label::{language}");
                self.text(&id, choice.get(column.as_str()).copied().unwrap_or_default());
            }
            self.out.push_str("</translation>");
        }
        self.out.push_str("</itext>");
    }

    fn node_texts(&mut self, nodes: &[Node<'_>], language: usize) {
        for node in nodes {
            for (column, name) in [("label", "label"), ("hint", "hint"), ("constraint_message", "jr:constraintMsg")] {
                if let Some(words) = node.words(column) {
                    self.text(&format!("{}:{name}", node.path), words[language]);
                }
            }
            self.node_texts(&node.children, language);
        }
    }

    fn text(&mut self, id: &str, text: &str) {
        let _ = write!(self.out, "<text id=\"{}\"><value>{}</value></text>", attribute(id), escaped(text));
    }

    fn instance(&mut self, nodes: &[Node<'_>]) {
        for node in nodes {
            let name = node.name();
            if node.get("type") == "begin_group" {
                let _ = write!(self.out, "<{name}>");
                self.instance(&node.children);
                let _ = write!(self.out, "</{name}>");
            } else if node.get("default").is_empty() {
                let _ = write!(self.out, "<{name}/>");
            } else {
                self.element(name, node.get("default"));
            }
        }
    }

    fn lists(&mut self, choices: &[HashMap<&str, &str>]) {
        let mut last = "";
        for (id, choice) in numbered(choices) {
            let list = choice.get("list_name").copied().unwrap_or_default();
            if list != last {
                if !last.is_empty() {
                    self.out.push_str("</root></instance>");
                }
                let _ = write!(self.out, "<instance id=\"{}\"><root>", attribute(list));
                last = list;
            }
            let name = escaped(choice.get("name").copied().unwrap_or_default());
            let _ = write!(self.out, "<item><itextId>{}</itextId><name>{name}</name></item>", escaped(&id));
        }
        if !last.is_empty() {
            self.out.push_str("</root></instance>");
        }
    }

    fn files(&mut self, nodes: &[Node<'_>]) {
        for node in nodes {
            if let Some(file) = file_of(node) {
                let _ = write!(self.out, "<instance id=\"{}\" src=\"jr://file-csv/{file}\"/>", stem(file));
            }
            self.files(&node.children);
        }
    }

    fn binds(&mut self, nodes: &[Node<'_>]) {
        for node in nodes {
            let kind = match node.kind().0 {
                "start" | "end" => "dateTime",
                "decimal" => "decimal",
                "image" => "binary",
                "geopoint" => "geopoint",
                "barcode" => "barcode",
                "begin_group" => "",
                _ => "string",
            };
            let mut bind = String::new();
            if !kind.is_empty() {
                let _ = write!(bind, " type=\"{kind}\"");
            }
            if let stamp @ ("start" | "end") = node.kind().0 {
                let _ = write!(bind, " jr:preload=\"timestamp\" jr:preloadParams=\"{stamp}\"");
            }
            for column in ["required", "relevant", "constraint"] {
                let said = node.get(column);
                let said = if column == "required" && said == "yes" { "true()" } else { said };
                if !said.is_empty() {
                    let _ = write!(bind, " {column}=\"{}\"", attribute(&self.expression(said)));
                }
            }
            if node.words("constraint_message").is_some() {
                let _ = write!(bind, " jr:constraintMsg=\"jr:itext('{}:jr:constraintMsg')\"", node.path);
            }
            if !bind.is_empty() {
                let _ = write!(self.out, "<bind nodeset=\"{}\"{bind}/>", node.path);
            }
            self.binds(&node.children);
        }
    }

    fn body(&mut self, nodes: &[Node<'_>]) {
        for node in nodes {
            let (control, more) = match node.kind().0 {
                "start" | "end" => continue,
                "begin_group" => ("group", ""),
                "image" => ("upload", " mediatype=\"image/*\""),
                "select_one" | "select_one_from_file" => ("select1", ""),
                "select_multiple" | "select_multiple_from_file" => ("select", ""),
                _ => ("input", ""),
            };
            let appearance = match node.get("appearance") {
                "" => String::new(),
                said => format!(" appearance=\"{}\"", attribute(said)),
            };
            let _ = write!(self.out, "<{control} ref=\"{}\"{appearance}{more}>", node.path);
            for name in ["label", "hint"] {
                if node.words(name).is_some() {
                    let _ = write!(self.out, "<{name} ref=\"jr:itext('{}:{name}')\"/>", node.path);
                }
            }
            if control.starts_with("select") {
                let (list, label) = match file_of(node) {
                    Some(file) => (stem(file), "label"),
                    None => (node.kind().1, "jr:itext(itextId)"),
                };
                let _ = write!(
                    self.out,
                    "<itemset nodeset=\"instance('{}'){ROWS}\"><value ref=\"name\"/><label ref=\"{label}\"/></itemset>",
                    attribute(list)
                );
            }
            self.body(&node.children);
            let _ = write!(self.out, "</{control}>");
        }
    }
}

/// Choices with the ids of their texts: the list's name and the place in it.
fn numbered<'a, 'b>(choices: &'b [HashMap<&'a str, &'a str>]) -> impl Iterator<Item = (String, &'b HashMap<&'a str, &'a str>)> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    choices.iter().map(move |choice| {
        let list = choice.get("list_name").copied().unwrap_or_default();
        let count = counts.entry(list).or_default();
        let id = format!("{list}-{count}");
        *count += 1;
        (id, choice)
    })
}

/// The file that a question's choices come from.
fn file_of<'a>(node: &Node<'a>) -> Option<&'a str> {
    let (word, file) = node.kind();
    word.ends_with("_from_file").then_some(file)
}

fn stem(file: &str) -> &str {
    file.rsplit_once('.').map_or(file, |(stem, _)| stem)
}

/// As the text of an element. What XML cannot hold at all is left out.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '\t' | '\n' | '\r' => safe.push(letter),
            _ if letter.is_control() && letter < ' ' => {}
            '\u{fffe}' | '\u{ffff}' => {}
            _ => safe.push(letter),
        }
    }
    safe
}

fn attribute(text: &str) -> String {
    escaped(text).replace('"', "&quot;").replace('\n', "&#10;")
}

#[cfg(test)]
mod tests {
    use mobile_api::shipped;

    use super::*;

    #[test]
    fn every_shipped_template_is_a_form_with_the_questions_of_a_visit() {
        for file in shipped::templates().unwrap() {
            let form = xform(&file, 3).unwrap();
            assert!(form.contains(&format!("<data id=\"{}\" version=\"3\">", file.code)));
            for part in ["<kind>routine</kind>", "src=\"jr://file-csv/premises.csv\"", "/data/closing/signing", "jr:preload=\"uid\""] {
                assert!(form.contains(part), "{}: {part}", file.code);
            }
            assert!(!form.contains("${"), "every name is a path");
        }
    }

    #[test]
    fn what_xml_cannot_hold_is_left_out() {
        assert_eq!(escaped("a<b>&\u{1}\u{ffff}厨"), "a&lt;b&gt;&amp;厨");
        assert_eq!(attribute("\"x\"\n"), "&quot;x&quot;&#10;");
    }
}
