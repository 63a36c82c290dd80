//! The templates that ship with the product: data, in our own words, published at first start.

use crate::template::TemplateFile;

/// Files of the shipped templates, as text: for officers by kind of premises, for officers on an occasion, and the canteen's
/// own papers. In a list by code the first kind comes before the others.
const FILES: [&str; 16] = [
    include_str!("../templates/school_canteen.json"),
    include_str!("../templates/kindergarten_canteen.json"),
    include_str!("../templates/central_kitchen.json"),
    include_str!("../templates/collective_meal_delivery.json"),
    include_str!("../templates/campus_shop.json"),
    include_str!("../templates/special_opening.json"),
    include_str!("../templates/special_bright_kitchen.json"),
    include_str!("../templates/special_key_items.json"),
    include_str!("../templates/self_morning_check.json"),
    include_str!("../templates/self_retained_samples.json"),
    include_str!("../templates/self_accompanying_meal.json"),
    include_str!("../templates/self_disinfection.json"),
    include_str!("../templates/self_goods_received.json"),
    include_str!("../templates/self_daily_control.json"),
    include_str!("../templates/self_weekly_check.json"),
    include_str!("../templates/self_monthly_review.json"),
];

/// All shipped templates.
///
/// # Errors
/// Where a file is not a template; a test says that none is not.
pub fn templates() -> Result<Vec<TemplateFile>, serde_json::Error> {
    FILES.into_iter().map(serde_json::from_str).collect()
}
