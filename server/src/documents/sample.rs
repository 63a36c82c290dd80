//! A made-up paper of each kind: what the page of layouts shows, and what a changed layout must be able to print.

use std::io::Cursor;

use bytes::Bytes;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

use super::data::{
    Facts, Officer, Order, Paper, PaperItem, PaperSection, Party, Photo, QuickTestPaper, Recording, RecusalFacts, SamplePaper, Scan,
    SignatureLine, VisitFacts,
};
use super::{Kind, Picture, words};

const DAY_MS: i64 = 24 * 3_600_000;

/// The sample of a kind, with its pictures.
pub fn paper(kind: Kind, at_ms: i64) -> (Paper, Vec<Picture>) {
    let failed = PaperItem {
        code: "8.1".to_owned(),
        key: false,
        text: "食品处理区地面、墙面、排水沟清洁、干燥，排水沟有盖".to_owned(),
        result: "不符合".to_owned(),
        number: String::new(),
        remark: "切配间排水沟盖板缺失一块，沟内有积水".to_owned(),
        basis: "GB 31654-2021".to_owned(),
        requirement: "补装盖板，清理积水".to_owned(),
        photos: vec![Photo {
            evidence_id: "01928f6e-0000-7000-8000-000000000022".to_owned(),
            file: "photo-1.jpg".to_owned(),
            sha256: "e3b0c44298fc1c149afbf4c8996fb924".repeat(2),
            taken: words::chinese_time(at_ms),
            note: String::new(),
        }],
    };
    let passed = PaperItem {
        code: "6.1".to_owned(),
        key: true,
        text: "每餐次每种食品成品留样不少于125克，冷藏保存48小时以上".to_owned(),
        result: "符合".to_owned(),
        number: "130 g".to_owned(),
        basis: "《学校食品安全与营养健康管理规定》第四十条".to_owned(),
        ..PaperItem::default()
    };
    let sign = |by: &str, name: &str| SignatureLine {
        by: by.to_owned(),
        name: name.to_owned(),
        file: Some("signature-1.png".to_owned()),
        shown_sha256: "9f86d081884c7d659a2feaa0c55ad015".repeat(2),
        ..SignatureLine::default()
    };
    let paper = Paper {
        kind: kind.as_str().to_owned(),
        title: kind.title().to_owned(),
        number: words::number_text(kind.word(), i64::from(words::day(at_ms).year()), 12),
        bureau: "明湖区市场监督管理局".to_owned(),
        office: "东岸市场监管所".to_owned(),
        date: words::chinese_date(at_ms),
        date_han: words::han_date(at_ms),
        premises: Party {
            name: "东岸小学食堂".to_owned(),
            address: "明湖区东岸路1号".to_owned(),
            kind: "学校食堂".to_owned(),
            operator: "明湖区东岸小学".to_owned(),
            credit_code: "12440511MB2C00001X".to_owned(),
            licence_number: "JY34405110000001".to_owned(),
            contact: "陈校长".to_owned(),
            risk_grade: "B".to_owned(),
        },
        inspection: Some(Facts {
            id: "01928f6e-0000-7000-8000-000000000020".to_owned(),
            kind: "日常检查".to_owned(),
            template: "学校食堂监督检查要点表（第1版）".to_owned(),
            approval_number: "明市监检〔2026〕3号".to_owned(),
            started: words::chinese_time(at_ms - 2 * 3_600_000),
            ended: words::chinese_time(at_ms - 3_600_000),
            outcome: "基本符合".to_owned(),
            score: "98.5".to_owned(),
            grade: "优秀".to_owned(),
            summary: "本次检查共2项：重点项目1项，发现问题0项；一般项目1项，发现问题1项（8.1）；合理缺项0项。".to_owned(),
            submission_sha256: "2c26b46b68ffc68ff99b453c1d304134".repeat(2),
            shown_sha256: vec!["9f86d081884c7d659a2feaa0c55ad015".repeat(2)],
            drawn_sha256: "9f86d081884c7d659a2feaa0c55ad015".repeat(2),
            drawn_differs: false,
            drawn_number: String::new(),
        }),
        visit: Some(VisitFacts {
            opened: Some(Scan { time: words::chinese_time(at_ms - 2 * 3_600_000), right: true }),
            closed: Some(Scan { time: words::chinese_time(at_ms - 3_600_000), right: true }),
            certificates_shown: words::chinese_time(at_ms - 2 * 3_600_000),
            recusal: Some(RecusalFacts {
                asked: words::chinese_time(at_ms - 2 * 3_600_000),
                name: "陈校长".to_owned(),
                file: Some("signature-1.png".to_owned()),
                ..RecusalFacts::default()
            }),
            ..VisitFacts::default()
        }),
        officers: vec![
            Officer { name: "李执法".to_owned(), certificate: "粤A00001".to_owned() },
            Officer { name: "王执法".to_owned(), certificate: "粤A00002".to_owned() },
        ],
        sections: vec![PaperSection { name: "食品留样".to_owned(), items: vec![passed, failed.clone()] }],
        items: vec![failed],
        order: (kind == Kind::RectificationOrder).then(|| Order { days: 3, until: words::chinese_date(at_ms + 3 * DAY_MS) }),
        samples: vec![SamplePaper {
            number: "CY-1".to_owned(),
            name: "四季豆".to_owned(),
            batch: "20261123".to_owned(),
            quantity: "2 kg".to_owned(),
            place: "冷库".to_owned(),
            sealed: "已封样".to_owned(),
            taken: words::chinese_time(at_ms - 2 * 3_600_000),
            representative: "陈校长".to_owned(),
            file: Some("signature-1.png".to_owned()),
        }],
        quick_tests: vec![QuickTestPaper {
            item: "农药残留".to_owned(),
            food: "上海青".to_owned(),
            method: "酶抑制率法".to_owned(),
            kit: "速测卡 批号 A12".to_owned(),
            reading: "12.5 %".to_owned(),
            limit: "≤50 %".to_owned(),
            result: "合格".to_owned(),
            tested: words::chinese_time(at_ms - 2 * 3_600_000),
        }],
        recordings: vec![Recording {
            item_code: "8.1".to_owned(),
            kind: "录像".to_owned(),
            taken: words::chinese_time(at_ms - 2 * 3_600_000),
            seconds: Some(12),
            sha256: "e3b0c44298fc1c149afbf4c8996fb924".repeat(2),
            note: String::new(),
        }],
        incident: (kind == Kind::IncidentRecord).then(|| super::incident::sample(at_ms)),
        text: String::new(),
        signatures: vec![sign("officer", "李执法"), sign("officer", "王执法"), sign("premises", "陈校长")],
        seal: Some("seal.png".to_owned()),
        preview: true,
    };
    let paper = if kind == Kind::Disclosure { paper.unnamed() } else { paper };
    (paper, pictures())
}

fn pictures() -> Vec<Picture> {
    let mut photo = RgbImage::from_pixel(320, 240, Rgb([206, 214, 220]));
    for (x, y, pixel) in photo.enumerate_pixels_mut() {
        if (x / 40 + y / 40) % 2 == 0 {
            *pixel = Rgb([178, 190, 200]);
        }
    }
    let mut line = RgbaImage::from_pixel(300, 100, Rgba([0, 0, 0, 0]));
    for x in 20..280_u32 {
        let y = 50 + (f64::from(x) / 18.0).sin().mul_add(28.0, 0.0) as i64;
        for thick in 0..4 {
            line.put_pixel(x, u32::try_from(y + thick).unwrap_or(50).min(99), Rgba([20, 24, 40, 255]));
        }
    }
    let mut seal = RgbaImage::from_pixel(240, 240, Rgba([0, 0, 0, 0]));
    for (x, y, pixel) in seal.enumerate_pixels_mut() {
        let from_centre = f64::hypot(f64::from(x) - 120.0, f64::from(y) - 120.0);
        if (104.0..114.0).contains(&from_centre) || from_centre < 22.0 {
            *pixel = Rgba([200, 30, 30, 170]);
        }
    }
    vec![
        Picture { file: "photo-1.jpg".to_owned(), content: encoded(photo.into(), ImageFormat::Jpeg) },
        Picture { file: "signature-1.png".to_owned(), content: encoded(line.into(), ImageFormat::Png) },
        Picture { file: "seal.png".to_owned(), content: encoded(seal.into(), ImageFormat::Png) },
    ]
}

fn encoded(picture: DynamicImage, format: ImageFormat) -> Bytes {
    let mut content = Cursor::new(Vec::new());
    // Writing to memory a picture that was just made cannot fail; an empty one would be told by the compiler.
    let _ = picture.write_to(&mut content, format);
    content.into_inner().into()
}
