//! How papers are set: what they look like as pictures, that the same gives the same bytes, what a layout may not do.

use std::process::Command;

use bytes::Bytes;
use server::documents::{DocumentError, Kind, Picture, Renderer, sample, shipped};

/// 2026-11-24 09:00 in Shanghai.
const AT_MS: i64 = 1_795_482_000_000;

async fn set(renderer: &Renderer, kind: Kind, source: &str) -> Result<Vec<u8>, DocumentError> {
    let (paper, pictures) = sample::paper(kind, AT_MS);
    renderer.render(source, &paper, pictures, AT_MS).await.map(|rendered| rendered.pdf)
}

/// Pages as pictures, by a PDF reader that is not ours; `None` where the system has none.
fn pages(pdf: &[u8]) -> Option<Vec<image::RgbImage>> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("paper.pdf");
    std::fs::write(&file, pdf).unwrap();
    let done = Command::new("pdftoppm").args(["-r", "60", "-png"]).arg(&file).arg(folder.path().join("page")).output();
    let Ok(done) = done else {
        eprintln!("pdftoppm (poppler-utils) is not installed: papers were not looked at as pictures");
        return None;
    };
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let mut names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    Some(
        names
            .iter()
            .filter(|name| name.extension().is_some_and(|end| end == "png"))
            .map(|name| image::open(name).unwrap().to_rgb8())
            .collect(),
    )
}

/// Text as a reader finds it, without spaces; `None` where the system has none.
pub(crate) fn words(pdf: &[u8]) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("paper.pdf");
    std::fs::write(&file, pdf).unwrap();
    let done = Command::new("pdftotext").arg(&file).arg("-").output().ok()?;
    Some(String::from_utf8_lossy(&done.stdout).split_whitespace().collect())
}

/// How much of a page is drawn on, of 1,000.
fn ink(page: &image::RgbImage) -> u64 {
    let dark = page.pixels().filter(|pixel| pixel.0.iter().all(|part| *part < 160)).count() as u64;
    dark * 1_000 / u64::from(page.width() * page.height())
}

#[tokio::test]
async fn each_kind_of_paper_is_set_and_can_be_read() {
    let renderer = Renderer::default();
    for kind in Kind::ALL {
        let pdf = set(&renderer, *kind, shipped(*kind)).await.unwrap_or_else(|error| panic!("{kind:?}: {error}"));
        assert!(pdf.starts_with(b"%PDF-"), "{kind:?}");
        if let Ok(folder) = std::env::var("BRIGHT_KITCHEN_PAPERS") {
            std::fs::write(format!("{folder}/{}.pdf", kind.as_str()), &pdf).unwrap();
        }
        if let Some(text) = words(&pdf) {
            for wanted in [kind.title(), "明湖区市场监督管理局", "东岸小学食堂", "〔2026〕12号"] {
                assert!(text.contains(wanted), "{kind:?} says {wanted}: {text}");
            }
            if *kind == Kind::Disclosure {
                for name in ["李执法", "王执法", "陈校长"] {
                    // The sample is printed as it is; what leaves nobody's name in it is the gathering.
                    assert!(!text.contains(name), "nobody is named in public: {text}");
                }
            } else {
                assert!(text.contains("粤A00001") && text.contains("粤A00002"), "{kind:?}: both officers' certificates: {text}");
            }
        }
        let Some(pages) = pages(&pdf) else { continue };
        assert!(!pages.is_empty(), "{kind:?}");
        assert!((5..400).contains(&ink(&pages[0])), "{kind:?}: {} of 1000 of the first page is ink", ink(&pages[0]));
        let red = pages.iter().flat_map(|page| page.pixels()).filter(|pixel| pixel[0] > 140 && pixel[1] < 120 && pixel[2] < 120).count();
        assert_eq!(red > 20, !matches!(kind, Kind::OnSiteRecord), "{kind:?}: the seal is where a paper has one ({red} red points)");
    }
}

#[tokio::test]
async fn an_on_site_record_says_only_what_was_recorded() {
    let (mut paper, pictures) = sample::paper(Kind::OnSiteRecord, AT_MS);
    let renderer = Renderer::default();
    let set = async |paper: &server::documents::Paper| {
        words(&renderer.render(shipped(Kind::OnSiteRecord), paper, pictures.clone(), AT_MS).await.unwrap().pdf)
    };
    let Some(whole) = set(&paper).await else { return };
    assert!(whole.contains("向当事人出示执法证件") && whole.contains("不申请回避") && whole.contains("签名确认"), "{whole}");
    paper.visit = Some(server::documents::VisitFacts::default());
    paper.signatures.retain(|one| one.by != "premises");
    let empty = set(&paper).await.unwrap();
    for said in ["未记录出示执法证件", "未记录告知申请回避的权利", "未记录当事人的签名"] {
        assert!(empty.contains(said), "{said}: {empty}");
    }
    assert!(!empty.contains("向当事人出示") && !empty.contains("签名确认"), "{empty}");
}

#[tokio::test]
async fn recordings_are_named_with_what_proves_them() {
    let renderer = Renderer::default();
    for kind in [Kind::InspectionRecord, Kind::OnSiteRecord] {
        let (mut paper, pictures) = sample::paper(kind, AT_MS);
        let with = renderer.render(shipped(kind), &paper, pictures.clone(), AT_MS).await.unwrap();
        let Some(with) = words(&with.pdf) else { return };
        for said in ["音像资料", "录像", "12秒", "e3b0c44298fc1c149afbf4c8996fb924"] {
            assert!(with.contains(said), "{kind:?} says {said}: {with}");
        }
        paper.recordings.clear();
        let without = words(&renderer.render(shipped(kind), &paper, pictures, AT_MS).await.unwrap().pdf).unwrap();
        assert!(!without.contains("音像资料"), "{kind:?}: {without}");
    }
}

#[tokio::test]
async fn the_same_gives_the_same_bytes() {
    let first = set(&Renderer::default(), Kind::RectificationOrder, shipped(Kind::RectificationOrder)).await.unwrap();
    // Another renderer reads its fonts anew, as another start of the program does.
    let second = set(&Renderer::default(), Kind::RectificationOrder, shipped(Kind::RectificationOrder)).await.unwrap();
    assert!(first == second, "{} and {} bytes differ", first.len(), second.len());
    let (mut paper, pictures) = sample::paper(Kind::RectificationOrder, AT_MS);
    paper.number = "责改〔2026〕13号".to_owned();
    let other = Renderer::default().render(shipped(Kind::RectificationOrder), &paper, pictures, AT_MS).await.unwrap();
    assert!(other.pdf != first, "another number is another paper");
}

#[tokio::test]
async fn a_fault_in_a_layout_is_told_with_its_line() {
    let renderer = Renderer::default();
    let fault = async |source: &str| match set(&renderer, Kind::Warning, source).await {
        Err(DocumentError::Layout(faults)) => faults.into_iter().next().unwrap(),
        other => panic!("{source}: {:?}", other.map(|pdf| pdf.len())),
    };
    let told = fault("第一行\n第二行 #unknown-word").await;
    assert_eq!((told.file.as_str(), told.line), ("layout", Some(2)), "{told:?}");
    assert!(told.message.contains("unknown"), "{told:?}");
    let told = fault("#let x = (\n").await;
    assert!(told.line.is_some(), "{told:?}");
    let told = fault("#import \"common.typ\": *\n#show: paper\n#data.nothing-of-this-name").await;
    assert_eq!(told.line, Some(3), "{told:?}");
    // One that does not end is given up by the compiler's own limits.
    let told = fault("#let x = 0\n#while x >= 0 { x += 1 }").await;
    assert!(told.message.contains("infinite"), "{told:?}");
}

#[tokio::test]
async fn a_layout_sees_nothing_but_what_it_is_given() {
    let renderer = Renderer::default();
    for source in [
        "#read(\"/etc/hostname\")",
        "#read(\"../../../../etc/hostname\")",
        "#read(\"Cargo.toml\")",
        "#image(\"/etc/ssl/logo.png\")",
        "#import \"@preview/cetz:0.3.0\": *",
        "#include \"other.typ\"",
        "#plugin(\"x.wasm\")",
    ] {
        let refused = set(&renderer, Kind::Warning, source).await;
        assert!(matches!(refused, Err(DocumentError::Layout(_))), "{source}");
    }
    let pdf = set(&renderer, Kind::Warning, "#set text(font: \"Noto Serif CJK SC\")\n#datetime.today().display()").await.unwrap();
    if let Some(text) = words(&pdf) {
        assert!(text.contains("2026-11-24"), "the only day it knows is the day of issue: {text}");
    }
}

#[tokio::test]
async fn a_picture_that_is_none_is_told_and_not_printed() {
    let (paper, mut pictures) = sample::paper(Kind::RectificationOrder, AT_MS);
    pictures[0] = Picture { file: "photo-1.jpg".to_owned(), content: Bytes::from_static(b"not a picture") };
    let refused = Renderer::default().render(shipped(Kind::RectificationOrder), &paper, pictures, AT_MS).await;
    assert!(matches!(refused, Err(DocumentError::Layout(_))), "{:?}", refused.map(|rendered| rendered.pages));
}

/// `cargo test -p server --test it papers::three_pages -- --ignored --nocapture`, with typst optimised.
#[tokio::test]
#[ignore = "a measurement"]
async fn three_pages_with_ten_photos() {
    let renderer = Renderer::default();
    let (mut paper, mut pictures) = sample::paper(Kind::InspectionRecord, AT_MS);
    let item = paper.sections[0].items[0].clone();
    paper.sections[0].items = std::iter::repeat_n(item, 40).collect();
    let mut photo = image::RgbImage::new(1_600, 1_200);
    let mut seed = 1_u32;
    for (x, y, pixel) in photo.enumerate_pixels_mut() {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = u8::try_from(seed >> 28).unwrap();
        *pixel = image::Rgb([u8::try_from(x % 200).unwrap() + noise, u8::try_from(y % 200).unwrap() + noise, 120 + noise]);
    }
    let failed = paper.items[0].clone();
    paper.items.clear();
    for number in 0..10_u8 {
        // Each another picture, as large as the phone's copies.
        photo.put_pixel(u32::from(number), 0, image::Rgb([number, 0, 0]));
        let mut content = std::io::Cursor::new(Vec::new());
        photo.write_with_encoder(image::codecs::jpeg::JpegEncoder::new_with_quality(&mut content, 82)).unwrap();
        let file = format!("p{number}.jpg");
        let mut item = failed.clone();
        item.photos[0].file.clone_from(&file);
        paper.items.push(item);
        pictures.push(Picture { file, content: content.into_inner().into() });
    }
    for round in 0..6 {
        paper.number = format!("检记〔2026〕{round}号");
        let started = std::time::Instant::now();
        let rendered = renderer.render(shipped(Kind::InspectionRecord), &paper, pictures.clone(), AT_MS).await.unwrap();
        println!("round {round}: {} pages, {} bytes, {} ms", rendered.pages, rendered.pdf.len(), started.elapsed().as_millis());
    }
}
